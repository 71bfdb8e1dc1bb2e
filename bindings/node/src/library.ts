/** Libraries: bundles of host functions, Python modules and type stubs. */

import { type Callback, type Callbacks, type CallbackTable, callbackMessages, collect } from "./callbacks.js";

/** What a library is made of. */
export interface LibraryOptions {
  /** For messages and stubs: 1 to 255 characters on one line. */
  name: string;
  /**
   * Python sources by module name, such as "tools" or "tools.text". They are real modules, in files that programs cannot
   * change, so that tracebacks and line numbers are those of the sources. A package that is not listed itself is empty.
   */
  modules?: Readonly<Record<string, string>> | undefined;
  /** Host functions by name. The modules see them as the programs do. */
  callbacks?: Callbacks | undefined;
  /** What `typeStubs` says of the modules, in the syntax of .pyi files. */
  stubs?: string | undefined;
}

/**
 * A bundle of what programs may use, to be given to any number of sandboxes as `libraries`. Two that claim the same name are
 * refused with InvalidError by what they are given to, and so are modules with names of Python's own or of a package.
 *
 * @example
 * const text = new Library({ name: "text", modules: { "text.case": "def upper(s):\n    return s.upper()\n" } });
 * await new Sandbox({ libraries: [text] }).execute("from text.case import upper; print(upper('a'))");
 */
export class Library {
  /** The name; of merged ones, all names with " + " between. */
  readonly name: string;
  /** The Python sources by module name. */
  readonly modules: Readonly<Record<string, string>>;
  /** The type stubs; of merged libraries, all of them. */
  readonly stubs: string;
  readonly #callbacks: CallbackTable;
  readonly #parts: readonly Library[];

  /** @throws TypeError for what is no text, and callbacks that are no functions. */
  constructor(options: LibraryOptions) {
    if (options instanceof Merged) {
      const { parts } = options;
      this.name = parts.map((part) => part.name).join(" + ");
      this.modules = Object.freeze(Object.fromEntries(parts.flatMap((part) => Object.entries(part.modules))));
      this.stubs = parts.flatMap((part) => part.stubs || []).join("\n");
      this.#callbacks = servedBy(parts);
      this.#parts = parts;
      return;
    }
    const { name, modules = {}, callbacks, stubs = "" } = options;
    for (const [what, text] of Object.entries({ name, stubs })) {
      if (typeof text !== "string") throw new TypeError(`a library's ${what} must be text, not ${typeof text}`);
    }
    for (const [module, source] of Object.entries(modules)) {
      if (typeof source !== "string") {
        throw new TypeError(`the source of module ${JSON.stringify(module)} must be text, not ${typeof source}`);
      }
    }
    this.name = name;
    this.modules = Object.freeze({ ...modules });
    this.stubs = stubs;
    this.#callbacks = collect(callbacks);
    this.#parts = [this];
  }

  /** Libraries as one. What is in several of them, as it is the same object, is there once. */
  static merge(libraries: readonly Library[]): Library {
    return new Library(new Merged(Library.partsOf(libraries)) as object as LibraryOptions);
  }

  /** This library and others as one: see `Library.merge`. */
  merge(...others: readonly Library[]): Library {
    return Library.merge([this, ...others]);
  }

  /** The names of the host functions. */
  get callbackNames(): string[] {
    return [...this.#callbacks.keys()];
  }

  /** @internal The libraries of an option, merged ones taken apart, each once. */
  static partsOf(libraries: readonly Library[] | undefined): readonly Library[] {
    if (libraries === undefined) return [];
    if (!Array.isArray(libraries)) throw new TypeError("libraries must be an array of Library");
    const parts = new Set<Library>();
    for (const library of libraries as readonly unknown[]) {
      if (!(library instanceof Library)) throw new TypeError("libraries must be an array of Library");
      for (const part of library.#parts) parts.add(part);
    }
    return [...parts];
  }

  /** @internal The host functions by name. */
  get table(): CallbackTable {
    return this.#callbacks;
  }

  /** @internal How the library of ours is told of one that is not merged. */
  get message(): Record<string, unknown> {
    return { name: this.name, modules: this.modules, stubs: this.stubs, callbacks: callbackMessages(this.#callbacks) };
  }
}

/** What a merged library is made of. */
class Merged {
  constructor(readonly parts: readonly Library[]) {}
}

function servedBy(libraries: readonly Library[]): Map<string, Callback> {
  return new Map(libraries.flatMap((library) => [...library.table]));
}

/** What the host offers to programs: host functions, and libraries that are not merged. */
export class Offer {
  readonly callbacks: CallbackTable;
  readonly libraries: readonly Library[];
  /** All host functions, those of the libraries too. */
  readonly served: CallbackTable;

  /** What options give, beside what there is before: of two host functions with one name the later one counts. */
  constructor(
    options: { callbacks?: Callbacks | undefined; libraries?: readonly Library[] | undefined },
    before?: Offer,
  ) {
    this.callbacks = collect(options.callbacks, before?.callbacks);
    this.libraries = Library.partsOf([...(before?.libraries ?? []), ...Library.partsOf(options.libraries)]);
    this.served =
      this.libraries.length === 0 ? this.callbacks : new Map([...servedBy(this.libraries), ...this.callbacks]);
  }

  /** The host functions that are in no library, as a message has them. */
  messages(): unknown[] {
    return callbackMessages(this.callbacks);
  }

  /** The part of a configuration that is about it. */
  config(): Record<string, unknown> {
    const libraries = this.libraries.map((library) => library.message);
    return { callbacks: this.messages(), libraries: libraries.length === 0 ? undefined : libraries };
  }
}
