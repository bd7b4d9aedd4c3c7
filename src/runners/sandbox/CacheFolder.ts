// The folder for what can be made again. Node's own recursive mkdir never ends where a file system says that a folder is not there which it
// lists (/proc), so the way up is bounded here.
import { chmod, mkdir } from "node:fs/promises"
import { dirname } from "node:path"

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

/** Makes the folder and those above it where they are not there, readable by everybody. Rejects with the file system's error. */
export const makeCacheFolder = async (path: string): Promise<void> => {
  const make = async () => {
    try {
      await mkdir(path, { mode: 0o755 })
      // Whatever the umask: an interpreter may run as somebody else.
      await chmod(path, 0o755)
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error
    }
  }
  try {
    await make()
  } catch (error) {
    const above = dirname(path)
    if (codeOf(error) !== "ENOENT" || above === path) throw error
    await makeCacheFolder(above)
    await make()
  }
}
