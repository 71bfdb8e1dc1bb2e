/** The version of everything: package, library, core. */
export const version = "0.1.0";
