/** The functions that JSX calls; the build imports this into every file. */
export { Fragment, h } from "preact";
