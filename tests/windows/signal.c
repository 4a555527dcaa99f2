/* The function `signal` for Wine, whose own takes SIG_GET, the request for the handler in force, for
   a handler. */

typedef void (*handler)(int);

#define SIG_GET ((handler)2)

handler __real_signal(int number, handler wanted);

handler __wrap_signal(int number, handler wanted) {
  if (wanted != SIG_GET) {
    return __real_signal(number, wanted);
  }
  handler now = __real_signal(number, 0);
  __real_signal(number, now);
  return now;
}
