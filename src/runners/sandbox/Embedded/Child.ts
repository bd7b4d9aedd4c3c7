// The program of a child process of the embedded level, sent by its text (`String(child)`). It reads the pack from descriptor 3, boots
// a room, and answers one line of JSON to each line: `open`, `code`, `reset`, `boot`. A room serves one session; the next one gets a
// realm and a memory of its own. It never turns the event loop, so that nothing of a session runs between its cells or after it.
import type { Script } from "node:vm"
import type { Room, RoomHost } from "./Room.ts"

/** Where parts of a pack are: name, offset, length. */
export type PackParts = ReadonlyArray<readonly [string, number, number]>

export interface ChildSettings {
  readonly parts: PackParts
  /** Text of the room's function. */
  readonly room: string
  /** Bytes that the interpreter's memory has when a session starts. */
  readonly memoryBytes: number
  readonly stackFrames: number
  readonly missing: ReadonlyArray<readonly [string, string]>
  /** The source that makes the snapshot: the child writes a pack's memory to descriptor 4 and ends. */
  readonly build: string | null
}

/** A process that ends itself because its cell did not. */
export const overdueCode = 61
/** A process whose room did not boot. */
export const bootFailedCode = 62

export const child = (settings: ChildSettings, overdueCode: number, bootFailedCode: number): void => {
  const fs = process.getBuiltinModule("node:fs")
  const vm = process.getBuiltinModule("node:vm")
  const { randomBytes } = process.getBuiltinModule("node:crypto")
  const { reallyExit } = process as unknown as { reallyExit: (code: number) => never }
  const exit = (code: number): never => reallyExit(code)
  const packDescriptor = 3
  const builtDescriptor = 4
  const roomsKept = 3

  const writeAll = (descriptor: number, bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length;) {
      try {
        at += fs.writeSync(descriptor, bytes, at)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") exit(0)
      }
    }
  }
  const encoder = new TextEncoder()
  const say = (line: object) => writeAll(1, encoder.encode(`${JSON.stringify(line)}\n`))

  const pack = new Map<string, Uint8Array>()
  for (const [name, offset, length] of settings.parts) {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length;) {
      const read = fs.readSync(packDescriptor, bytes, at, length - at, offset + at)
      if (read === 0) exit(bootFailedCode)
      at += read
    }
    pack.set(name, bytes)
  }
  fs.closeSync(packDescriptor)
  const part = (name: string): Uint8Array => pack.get(name) ?? new Uint8Array(0)
  const text = (name: string): string => new TextDecoder().decode(part(name))

  const module = new WebAssembly.Module(part("pyodide.asm.wasm") as BufferSource)
  const script = (name: string, source: string): Script => {
    const cachedData = pack.get(`${name}.cache`)
    return new vm.Script(source, { filename: name, ...(cachedData === undefined ? {} : { cachedData }) })
  }
  const scripts = {
    room: script("room", `"use strict";(${settings.room})()`),
    loader: script("loader.js", text("loader.js")),
    asm: script("asm.js", text("asm.js")),
    enter: script("enter", "enter(); 0")
  }
  const decoders = new Map<string, TextDecoder>()

  // What a room gives is a text, a number or memory; anything else, looked at by Node only to say so, would be handed functions of this realm.
  const slot = (of: object, name: string) =>
    Object.getOwnPropertyDescriptor(of, name)?.get as (this: unknown) => unknown
  const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object
  const bufferOf = slot(typedArray, "buffer")
  const offsetOf = slot(typedArray, "byteOffset")
  const lengthOf = slot(typedArray, "byteLength")
  const bufferLengthOf = slot(ArrayBuffer.prototype, "byteLength")
  /** This realm's own view of a room's memory; throws where it is no memory. */
  const viewOf = (memory: unknown): Uint8Array => {
    if (ArrayBuffer.isView(memory)) {
      const buffer = Reflect.apply(bufferOf, memory, []) as ArrayBuffer
      return new Uint8Array(
        buffer,
        Reflect.apply(offsetOf, memory, []) as number,
        Reflect.apply(lengthOf, memory, []) as number
      )
    }
    Reflect.apply(bufferLengthOf, memory, [])
    return new Uint8Array(memory as unknown as ArrayBuffer)
  }
  const plain = (told: unknown): string => {
    if (typeof told !== "string") throw new TypeError("not a text")
    return told
  }
  const nameOf = (name: unknown): string => plain(name).replace(/^\/pyodide\//, "")

  const boot = (): Room => {
    const context = vm.createContext(vm.constants.DONT_CONTEXTIFY, {
      codeGeneration: { strings: false, wasm: true },
      // Its jobs run while its scripts are evaluated, and never later.
      microtaskMode: "afterEvaluate"
    }) as Record<string, unknown>
    let ready: Room | null = null
    let failure = "it never got ready"
    const host: RoomHost = {
      now: () => performance.now(),
      sizeOf: (name) => pack.get(nameOf(name))?.length ?? -1,
      copy: (name, to) => {
        viewOf(to).set(part(nameOf(name)))
      },
      decode: (encoding, fatal, ignoreMark, bytes) => {
        const key = `${plain(encoding)} ${fatal === true} ${ignoreMark === true}`
        const view = viewOf(bytes)
        const decoder = decoders.get(key) ??
          new TextDecoder(encoding, { fatal: fatal === true, ignoreBOM: ignoreMark === true })
        // One that fails may keep a part of what it read, which is nobody else's.
        decoders.delete(key)
        const text = decoder.decode(view)
        if (decoders.size < 16) decoders.set(key, decoder)
        return text
      },
      encode: (source, to) => encoder.encodeInto(plain(source), viewOf(to)).written,
      random: (bytes) => randomBytes(typeof bytes === "number" ? Math.min(bytes, 65_536) : 0).toString("base64"),
      overdue: () => exit(overdueCode),
      module,
      build: settings.build === null ? null : {
        source: settings.build,
        made: (snapshot) => {
          const bytes = new Uint8Array(snapshot.length)
          bytes.set(snapshot)
          scriptsBuilt(bytes)
        }
      },
      settings: { memoryBytes: settings.memoryBytes, stackFrames: settings.stackFrames, missing: settings.missing },
      ready: (room) => {
        ready = room
      },
      failed: (why) => {
        failure = why
      }
    }
    context["host"] = host
    delete context["gc"]
    scripts.room.runInContext(context)
    context["createModule"] = scripts.asm.runInContext(context)
    scripts.loader.runInContext(context)
    scripts.enter.runInContext(context)
    if (ready === null) {
      writeAll(2, encoder.encode(failure))
      return exit(bootFailedCode)
    }
    return ready
  }

  /** Sends what a pack is made of: the snapshot, and V8's caches of the scripts now that their functions have run. */
  const scriptsBuilt = (snapshot: Uint8Array): never => {
    const asm = scripts.asm.createCachedData()
    const loader = scripts.loader.createCachedData()
    writeAll(builtDescriptor, encoder.encode(`${JSON.stringify([snapshot.length, asm.length, loader.length])}\n`))
    for (const bytes of [snapshot, asm, loader]) writeAll(builtDescriptor, bytes)
    return exit(0)
  }

  const chunk = new Uint8Array(65_536)
  const decoder = new TextDecoder()
  let received = ""
  const nextLine = (): string => {
    for (;;) {
      const end = received.indexOf("\n")
      if (end >= 0) {
        const line = received.slice(0, end)
        received = received.slice(end + 1)
        return line
      }
      let read = 0
      try {
        read = fs.readSync(0, chunk)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") exit(0)
        continue
      }
      // The parent has gone.
      if (read === 0) exit(0)
      received += decoder.decode(chunk.subarray(0, read), { stream: true })
    }
  }

  const collect = (globalThis as { gc?: () => void }).gc ?? (() => {})
  let rooms = 1
  let room: Room | null = boot()
  say({ id: 0, ready: true })
  for (;;) {
    const asked = JSON.parse(nextLine()) as {
      id: number
      open?: unknown
      code?: string
      wallMillis: number
      graceMillis: number
      outputBytes: number
    }
    if (room !== null && asked.open !== undefined) {
      room.open(JSON.stringify(asked.open))
      say({ id: asked.id, open: true })
    } else if (room !== null && asked.code !== undefined) {
      let reply: unknown
      try {
        reply = room.run(asked.code, asked.wallMillis, asked.graceMillis, asked.outputBytes)
      } catch {
        // Node would look at what was thrown, and so hand functions of this realm to it.
        exit(1)
      }
      // A room whose code got hold of its insides could say anything; here it stays one line of a bounded length.
      const fits = typeof reply === "string" && reply.length < 20 * asked.outputBytes + 10_000 && !reply.includes("\n")
      writeAll(1, encoder.encode(`{"id":${Number(asked.id)},"reply":${fits ? reply : "null"}}\n`))
    } else if (room !== null) {
      room = null
      say({ id: asked.id, dropped: true })
    } else {
      // Left to itself V8 keeps ten rooms of 65 MB each; a collection takes as long as a fifth of a boot.
      if (rooms % roomsKept === 0) collect()
      rooms++
      room = boot()
      say({ id: asked.id, ready: true })
    }
  }
}
