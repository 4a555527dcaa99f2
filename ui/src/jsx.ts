/** What JSX becomes: the build puts this import into every file. */
export { Fragment, h } from "preact";
