// What runs inside of each session's own JavaScript realm: it boots Pyodide from the snapshot, takes away what Pyodide does not need,
// and runs cells. The function is sent by its text (`String(room)`), so it uses nothing from outside of itself but the realm's own
// globals. A realm has none of Node: no process, no require, no fetch. What the host gives stays in closures here and is never handed
// on.

/**
 * What the process around the realm does for it. No object crosses but typed arrays of the realm: a foreign one leads to foreign
 * globals.
 */
export interface RoomHost {
  readonly now: () => number
  /** Bytes of a file of the pack; -1: there is none. */
  readonly sizeOf: (name: string) => number
  /** Copies a file of the pack. */
  readonly copy: (name: string, to: Uint8Array) => void
  readonly decode: (encoding: string, fatal: boolean, ignoreMark: boolean, bytes: Uint8Array) => string
  readonly encode: (text: string, to: Uint8Array) => number
  readonly random: (bytes: number) => string
  /** Ends the process, because the cell does not stop and nobody else ended it. */
  readonly overdue: () => void
  /** The compiled interpreter. */
  readonly module: WebAssembly.Module
  /** Null: there is none yet, and one is to be made of these sources. */
  readonly build: { readonly source: string; readonly made: (snapshot: Uint8Array) => void } | null
  readonly settings: {
    readonly memoryBytes: number
    readonly stackFrames: number
    readonly missing: ReadonlyArray<readonly [string, string]>
  }
  /** Says that the room is ready, with the ways into it. */
  readonly ready: (room: Room) => void
  readonly failed: (why: string) => void
}

export interface RoomLimits {
  readonly seed: number
  readonly outputBytes: number
  readonly memoryBytes: number
  readonly scratchBytes: number
  readonly fileBytes: number
  readonly openFiles: number
}

export interface Room {
  readonly open: (limits: string) => void
  /** The reply as JSON. */
  readonly run: (code: string, wallMillis: number, graceMillis: number, outputBytes: number) => string
}

/* oxlint-disable typescript/no-explicit-any -- Pyodide's inner parts have no types; this is the one adapter to them. */
export const room = (): void => {
  const realm = globalThis as any
  const host = realm.host as RoomHost
  delete realm.host
  const { build, module } = host
  // Of the host's lists, copies of this realm.
  const settings = JSON.parse(JSON.stringify(host.settings)) as RoomHost["settings"]
  const snapshotBytes = settings.memoryBytes
  const { max, min } = Math
  const { stringify, parse } = JSON
  const { freeze, create, assign, defineProperty, getOwnPropertyNames } = Object

  /** Errors of the host's functions belong to the host's realm: they are not let in. */
  const guarded = <Args extends Array<any>, Out>(work: (...args: Args) => Out) => (...args: Args): Out => {
    try {
      return work(...args)
    } catch {
      throw new Error("The host refused")
    }
  }
  const now = guarded(() => host.now())
  const sizeOf = guarded((name: string) => host.sizeOf(name))
  const copy = guarded((name: string, to: Uint8Array) => host.copy(name, to))
  const decode = guarded((encoding: string, fatal: boolean, ignoreMark: boolean, bytes: Uint8Array) =>
    host.decode(encoding, fatal, ignoreMark, bytes)
  )
  const encode = guarded((text: string, to: Uint8Array) => host.encode(text, to))
  const random = guarded((bytes: number) => host.random(bytes))
  const overdue = guarded(() => host.overdue())

  const file = (name: string): Uint8Array => {
    const bytes = new Uint8Array(max(sizeOf(name), 0))
    copy(name, bytes)
    return bytes
  }
  const text = (name: string): string => decode("utf-8", true, false, file(name))

  // What Pyodide asks of a JavaScript shell; it takes that for its surroundings when nothing of Node or of a browser is there.
  const nothing = () => {}
  const utf8Bytes = 3
  const surroundings: Record<string, unknown> = {
    read: text,
    load: nothing,
    // The interpreter itself is compiled already.
    readbuffer: (name: string) => name.endsWith(".wasm") ? new ArrayBuffer(0) : file(name).buffer,
    print: nothing,
    console: freeze({ log: nothing, warn: nothing, error: nothing, info: nothing, debug: nothing }),
    performance: freeze({ now }),
    setTimeout: () => 0,
    clearTimeout: nothing,
    os: {
      system: (_program: string, args: ReadonlyArray<string>) =>
        random(Number(/head -c(\d+)/.exec(String(args[1]))?.[1]))
    },
    TextDecoder: class {
      #encoding: string
      #fatal: boolean
      #ignoreMark: boolean
      constructor(encoding: unknown = "utf-8", options: any = {}) {
        this.#encoding = String(encoding)
        this.#fatal = options.fatal === true
        this.#ignoreMark = options.ignoreBOM === true
      }
      decode(bytes?: Uint8Array) {
        return bytes === undefined ? "" : decode(this.#encoding, this.#fatal, this.#ignoreMark, bytes)
      }
    },
    TextEncoder: class {
      encode(source: unknown = "") {
        const bytes = new Uint8Array(String(source).length * utf8Bytes)
        return bytes.slice(0, encode(String(source), bytes))
      }
      encodeInto(source: unknown, to: Uint8Array) {
        return { read: String(source).length, written: encode(String(source), to) }
      }
    }
  }
  assign(realm, surroundings)
  // Call sites would hand out the functions and instances on the stack.
  defineProperty(realm, "Error", { writable: false, configurable: false })
  for (const [name, value] of [["prepareStackTrace", undefined], ["captureStackTrace", undefined]] as const) {
    defineProperty(Error, name, { value, writable: false, configurable: false })
  }

  // Compiling and instantiating at once keeps the boot free of turns of the event loop, which this process does not make.
  let memoryLimit = Infinity
  const { Instance, Module } = WebAssembly
  // Compiled in the host's realm, it becomes one of this realm's: Pyodide asks, and nothing leads back.
  Object.setPrototypeOf(module, Module.prototype)
  const pageBytes = 65_536
  const limitMemory = (memory: WebAssembly.Memory): void => {
    const grow = memory.grow.bind(memory)
    if (memory.buffer.byteLength < snapshotBytes) grow((snapshotBytes - memory.buffer.byteLength) / pageBytes)
    defineProperty(memory, "grow", {
      value: (pages: number) => {
        if (memory.buffer.byteLength + pages * pageBytes > memoryLimit) throw new RangeError("memory limit")
        return grow(pages)
      },
      writable: false,
      configurable: false
    })
  }
  const wasm = WebAssembly as any
  const compiled = (bytes: BufferSource) => new Module(bytes)
  const instantiated = (source: any, imports: WebAssembly.Imports = {}): any => {
    if (source instanceof Module) return new Instance(source, imports)
    // The large one is the interpreter, which the host has compiled once for all rooms.
    const found = source.byteLength === 0 ? module : compiled(source)
    const instance = new Instance(found, imports)
    if (found === module) limitMemory(instance.exports["memory"] as WebAssembly.Memory)
    return { instance, module: found }
  }
  wasm.compile = async (bytes: BufferSource) => compiled(bytes)
  wasm.instantiate = async (source: any, imports: WebAssembly.Imports) => instantiated(source, imports)

  /** Files of a session count all together; a write that would be too much fails as on a full disk. */
  const limitFiles = (modules: any): (limits: RoomLimits) => void => {
    const FS = modules.FS
    const { dir, file } = FS.filesystems.MEMFS.ops_table
    const noSpace = 51
    const tooLarge = 22
    const mostNodes = 4_096
    let limits: RoomLimits | null = null
    let used = 0
    let nodes = 0
    let usedBefore = 0
    let nodesBefore = 0
    // Counted from the files themselves, those that are open but have no name any more included.
    const count = () => {
      const seen = new Set<any>()
      const visit = (node: any) => {
        if (seen.has(node) || node === undefined || node === null) return
        seen.add(node)
        if (FS.isDir(node.mode) && typeof node.contents === "object" && node.contents !== null) {
          for (const name of getOwnPropertyNames(node.contents)) visit(node.contents[name])
        }
      }
      visit(FS.root)
      for (const mounted of FS.root.mount.mounts) visit(mounted.root)
      for (const stream of FS.streams) visit(stream?.node)
      used = 0
      nodes = seen.size
      for (const node of seen) if (FS.isFile(node.mode)) used += node.usedBytes ?? 0
    }
    const fail = (code: number): never => {
      throw new FS.ErrnoError(code)
    }
    const room = (node: any, size: number) => {
      if (limits === null) return
      if (size > limits.fileBytes) fail(tooLarge)
      const more = max(size - (node.usedBytes ?? 0), 0)
      if (used + more - usedBefore > limits.scratchBytes) {
        count()
        if (used + more - usedBefore > limits.scratchBytes) fail(noSpace)
      }
      used += more
    }
    const named = () => {
      if (limits === null) return
      if (nodes - nodesBefore >= mostNodes) {
        count()
        if (nodes - nodesBefore >= mostNodes) fail(noSpace)
      }
      nodes++
    }
    const { write } = file.stream
    const { setattr } = file.node
    const { mknod, symlink } = dir.node
    file.stream.write = (stream: any, buffer: any, offset: number, length: number, position: number) => {
      room(stream.node, position + length)
      return write(stream, buffer, offset, length, position, false)
    }
    file.node.setattr = (node: any, attributes: any) => {
      if (attributes.size !== undefined) room(node, attributes.size)
      return setattr(node, attributes)
    }
    dir.node.mknod = (...args: Array<unknown>) => {
      named()
      return mknod(...args)
    }
    dir.node.symlink = (...args: Array<unknown>) => {
      named()
      return symlink(...args)
    }
    for (const table of [dir.node, dir.stream, file.node, file.stream]) freeze(table)
    for (const name of getOwnPropertyNames(FS.filesystems)) if (name !== "MEMFS") delete FS.filesystems[name]
    return (asked) => {
      FS.MAX_OPEN_FDS = min(FS.MAX_OPEN_FDS, asked.openFiles)
      count()
      usedBefore = used
      nodesBefore = nodes
      limits = asked
    }
  }

  const enter = async (): Promise<void> => {
    const { createModule, loadPyodide } = realm
    const header = build === null ? file("header") : undefined
    const pyodide = await loadPyodide({
      indexURL: "/pyodide/",
      jsglobals: assign(create(null), { Object, Array, Promise, Map, Set, Error }),
      lockFileContents: { info: parse(text("/pyodide/pyodide-lock.json")).info, packages: {} },
      env: { HOME: "/home/pyodide", PYTHONHASHSEED: "0", TZ: "UTC" },
      fullStdLib: false,
      stdin: () => null,
      stdout: nothing,
      stderr: nothing,
      // The memory is copied below; the header alone tells the rest.
      ...(header === undefined ? { _makeSnapshot: true } : { _loadSnapshot: header }),
      createPyodideModule: async (moduleSettings: unknown) => {
        const made = await createModule(moduleSettings)
        if (header !== undefined) copy("memory", made.HEAPU8)
        return made
      }
    })
    const { FS } = pyodide
    if (sizeOf("sympy.zip") > 0) FS.writeFile("/lib/sympy.zip", file("sympy.zip"))
    if (build !== null) {
      pyodide.runPython(build.source)
      build.made(pyodide.makeMemorySnapshot())
      return
    }
    pyodide.setStdout({ write: (bytes: Uint8Array) => bytes.length })
    pyodide.setStderr({ write: (bytes: Uint8Array) => bytes.length })
    pyodide.setStdin({ error: true })
    let deadline = Infinity
    let end = Infinity
    let told = false
    // The interpreter looks here now and then: a 2 is an interrupt, told once.
    pyodide.setInterruptBuffer({
      length: 1,
      get 0() {
        const at = now()
        if (at < deadline) return 0
        if (at > end) overdue()
        if (told) return 0
        told = true
        return 2
      },
      set 0(_answered: number) {
        // It is told once anyway.
      }
    })
    let broken = false
    pyodide._api.on_fatal = () => {
      broken = true
    }
    const embedded = pyodide.pyimport("_polya")
    embedded.shut()
    const { run, start } = embedded
    const openFiles = limitFiles(pyodide._module)
    for (const name of [...getOwnPropertyNames(surroundings), "createModule", "loadPyodide", "enter"]) {
      // The two that Pyodide goes on using stay, and so do the inert ones.
      if (["TextDecoder", "TextEncoder", "performance", "console", "setTimeout", "clearTimeout", "os"].includes(name)) {
        continue
      }
      delete realm[name]
    }
    // Without a number here errors have no stack. Node writes one when it is read, and where it fails at that (a name that is no text, a full
    // stack) its own error would come in.
    defineProperty(Error, "stackTraceLimit", { get: nothing, set: nothing, configurable: false })
    const perCall = { depth: 1, create_pyproxies: false }
    host.ready({
      open: (told) => {
        const limits = parse(told) as RoomLimits
        memoryLimit = max(limits.memoryBytes, snapshotBytes)
        openFiles(limits)
        start(
          limits.seed,
          limits.outputBytes,
          settings.stackFrames,
          pyodide.toPy(settings.missing)
        )
      },
      run: (code, wallMillis, graceMillis, outputBytes) => {
        const began = now()
        deadline = began + wallMillis
        end = deadline + graceMillis
        told = false
        let reply: Record<string, unknown>
        try {
          const answer = run(code, outputBytes)
          const [status, stdout, stderr, value, truncated] = answer.toJs(perCall)
          answer.destroy()
          reply = { status, stdout, stderr, value: value ?? null, truncated, broken }
        } catch (error) {
          const said = `${error}`
          reply = {
            status: /exit|Exit/.test(said) ? "exited" : "crash",
            stdout: "",
            stderr: said.slice(0, 2_000),
            value: null,
            truncated: false,
            broken: true
          }
        }
        deadline = Infinity
        end = Infinity
        return stringify({ ...reply, millis: now() - began })
      }
    })
  }
  realm.enter = (): void => {
    enter().catch((error: unknown) => host.failed(`${(error as Error)?.stack ?? error}`.slice(0, 2_000)))
  }
}
