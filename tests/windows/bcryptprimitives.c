/* The source of random numbers of Rust's standard library. Wine 8 has no bcryptprimitives.dll; the
 * function of an older library does the same. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length) {
  return SystemFunction036(buffer, (ULONG)length);
}
