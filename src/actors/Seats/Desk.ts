// The desk at which processes get their part of the seats. It knows only what they told it within the last lease, and it never gives away what
// somebody may still use: what a process was allowed or holds counts as its own until it says otherwise or its lease is over. A desk that
// begins anew, perhaps after another one elsewhere, lets each keep what it has and gives nothing more until every earlier lease is over.
import { divideSeats, type RoomAllowance, type RoomNeed, shareOut } from "../../domain/Seats.ts"

/** From the answer, for the desk; from the asking, for the process: so a process always stops first. */
export const leaseMillis = 3_000
/** What does not come out even goes round among owners so often; a seat that moves to another process is unused for up to a second. */
const turnMillis = 5_000

/** Rooms and processes that a desk keeps; who comes beyond is given nothing until others are forgotten. */
const maxRooms = 4_096
const maxProcesses = 4_096

interface Part {
  need: RoomNeed
  /** Seats that it may use or uses, at most, as long as the desk knows no better. */
  reserved: number
}
interface Process {
  /** Number of its last asking: an earlier one that comes late changes nothing. */
  asked: number
  untilMillis: number
  rooms: ReadonlyMap<string, Part>
}

export interface Asking {
  readonly process: string
  /** Grows from one asking of a process to the next. */
  readonly number: number
  /** Every room in which it holds, wants or is allowed seats. */
  readonly needs: ReadonlyArray<RoomNeed>
}

export interface Desk {
  /** Answers an allowance for each need, in their order; undefined: the asking is an old one. */
  readonly ask: (asking: Asking, nowMillis: number) => ReadonlyArray<RoomAllowance> | undefined
}

export const makeDesk = (startedMillis: number): Desk => {
  const processes = new Map<string, Process>()
  const rooms = new Map<string, Set<string>>()

  const leaveRooms = (process: string, gone: Iterable<string>): void => {
    for (const room of gone) {
      const there = rooms.get(room)
      there?.delete(process)
      if (there?.size === 0) rooms.delete(room)
    }
  }
  const forget = (nowMillis: number): void => {
    for (const [id, { rooms: mine, untilMillis }] of processes) {
      if (untilMillis > nowMillis) continue
      processes.delete(id)
      leaveRooms(id, mine.keys())
    }
  }
  const partsOf = (room: string): Array<readonly [string, Part]> =>
    Array.from(rooms.get(room) ?? [], (id) => [id, processes.get(id)?.rooms.get(room)] as const)
      .flatMap(([id, part]) => (part === undefined ? [] : [[id, part] as const]))

  const allowance = (process: string, own: Part, nowMillis: number): RoomAllowance => {
    const { allowed, held, room } = own.need
    const parts = partsOf(room)
    // A limit that changes is heard of by one process after the other; the lowest holds.
    const limit = Math.min(...parts.map(([, { need }]) => need.limit))
    const wishes = parts.flatMap(([id, { need }]) => need.owners.map((wish) => ({ process: id, ...wish })))
    const seats = divideSeats(limit, wishes, Math.floor(nowMillis / turnMillis))
    const given = wishes.flatMap(({ owner, process: id }, at) =>
      id === process ? [{ owner, seats: seats[at] ?? 0 }] : []
    )
    // What nobody wants is divided evenly, so that more work begins without asking.
    const ids = parts.map(([id]) => id).sort()
    const spare = shareOut(limit - seats.reduce((sum, share) => sum + share, 0), ids.map(() => limit))
    const due = given.reduce((sum, { seats }) => sum + seats, 0) + (spare[ids.indexOf(process)] ?? 0)
    const others = parts.reduce((sum, [id, { reserved }]) => sum + (id === process ? 0 : reserved), 0)
    const isNew = nowMillis < startedMillis + leaseMillis
    const most = isNew ? allowed : limit - others
    const granted = Math.max(0, Math.min(due, most))
    own.reserved = Math.max(granted, allowed, held)
    return { room, seats: granted, owners: given }
  }

  return {
    ask: ({ needs, number, process }, nowMillis) => {
      forget(nowMillis)
      const known = processes.get(process)
      if (known !== undefined && number <= known.asked) return undefined
      if (known === undefined && processes.size >= maxProcesses) return []
      const mine = new Map<string, Part>()
      for (const need of needs) {
        if (!rooms.has(need.room) && rooms.size >= maxRooms) continue
        mine.set(need.room, { need, reserved: Math.max(need.allowed, need.held) })
      }
      leaveRooms(process, [...known?.rooms.keys() ?? []].filter((room) => !mine.has(room)))
      processes.set(process, { asked: number, untilMillis: nowMillis + leaseMillis, rooms: mine })
      for (const room of mine.keys()) {
        const there = rooms.get(room)
        if (there === undefined) rooms.set(room, new Set([process]))
        else there.add(process)
      }
      return needs.map(({ room }) => {
        const part = mine.get(room)
        return part === undefined ? { room, seats: 0, owners: [] } : allowance(process, part, nowMillis)
      })
    }
  }
}
