import { assert, describe, it } from "@effect/vitest"
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeCacheFolder } from "../../../src/runners/sandbox/CacheFolder.ts"

const codeOf = (made: Promise<void>) => made.then(() => "made", (error: NodeJS.ErrnoException) => error.code)

describe("the cache folder", () => {
  it("is made with those above it, readable by everybody, and made again does nothing", async () => {
    const folder = mkdtempSync(join(tmpdir(), "polya-cache-folder-"))
    try {
      const path = join(folder, "a", "b", "c")
      await makeCacheFolder(path)
      await makeCacheFolder(path)
      assert.strictEqual(statSync(path).mode & 0o777, 0o755)
      writeFileSync(join(folder, "file"), "")
      assert.strictEqual(await codeOf(makeCacheFolder(join(folder, "file", "below"))), "ENOTDIR")
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it.skipIf(process.platform !== "linux")("fails where the file system makes no folders", async () => {
    assert.strictEqual(await codeOf(makeCacheFolder("/proc/nothere/below")), "ENOENT")
  })
})
