// Worker thread of the doctor: opens a database in WAL mode in the folder given, writes, closes, opens again and reads. A disk
// that hangs then hangs this thread only. Answers with a text: what was found, or an error by throwing.
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { parentPort, workerData } from "node:worker_threads"

const file = join(String(workerData), "doctor.sqlite")
const written = "kept"

const first = new DatabaseSync(file)
first.exec("PRAGMA synchronous = FULL")
const mode = first.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"]
first.exec("CREATE TABLE doctor (word TEXT NOT NULL) STRICT")
first.prepare("INSERT INTO doctor (word) VALUES (?)").run(written)
first.close()

const second = new DatabaseSync(file)
const read = second.prepare("SELECT word, sqlite_version() AS version FROM doctor").get()
second.close()

if (mode !== "wal") throw new Error(`the folder's file system allows no WAL (journal mode ${String(mode)})`)
if (read?.["word"] !== written) throw new Error("a row that was written was not there afterwards")
parentPort?.postMessage(`SQLite ${String(read["version"])}, WAL, a write survived`)
