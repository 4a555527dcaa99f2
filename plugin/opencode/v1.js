// OpenCode before 1.18 takes everything that a plugin exports for a plugin: here that is all there is.

export { PostHogLlma } from "./plugin.js";
