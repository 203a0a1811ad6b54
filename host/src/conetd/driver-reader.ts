// Drivers as the API reads them.
import { basename } from 'node:path'
import { ConetError } from '@conet/sdk'
import type { DriverView } from '@conet/sdk/api'
import type { DriverReader } from '../api/api-context.ts'
import { driverView } from '../api/views/driver.ts'
import { isSocketOf, type Session } from '../drivers/index.ts'
import type { DriverRoom } from './driver-room.ts'

type DriversOnly = Pick<DriverRoom, 'registry' | 'supervisor'> & {
  readonly quiet: Pick<DriverRoom['quiet'], 'renewIfQuiet'>
}

/** From the start of a process to the end of its sync. */
const mostStartMs = 15_000

/** `isNeeded`: a network on record is of that driver. */
export function driverReader(
  room: DriversOnly,
  startedAt: Date,
  isNeeded: (name: string) => boolean,
): DriverReader {
  const { registry } = room
  const list = () =>
    registry
      .list()
      .map((entry) => driverView(entry, startedAt))
      .sort(byName)
  return {
    list,
    get: (name) => find(list(), name),
    stateOf: (name) => registry.stateOf(name),
    start: (name) => start(room, name),
    stop: (name) => stop(room, name, { list, isNeeded }),
  }
}

const inTheWayOfStart = {
  what: 'start',
  help: 'It works: nothing needs to be done. To let conetd watch over it, end it where it was started, then start it here.',
}
const inTheWayOfStop = {
  what: 'stop',
  help: 'Stop it where it was started: its service, or the process that listens at its socket.',
}

function byName(one: DriverView, other: DriverView): number {
  return inOrder(one.name, other.name) || inOrder(one.socket ?? '', other.socket ?? '')
}

/** Not by a language: its rules take 15 ms to load, and would have another order on another machine. */
function inOrder(one: string, other: string): number {
  return Number(one > other) - Number(one < other)
}

async function start({ registry, supervisor, quiet }: DriversOnly, name: string): Promise<void> {
  const running = registry.ready(name)
  if (running !== undefined) {
    const isOurs = await supervisor.hasStarted(name)
    if (isOurs && !isSocketOf(running.socket.path, name)) throw stillRelieved(name, running.socket.path)
    if (!isOurs && !mayBeRelieved(running)) throw startedElsewhere(inTheWayOfStart, name, running.socket.path)
  }
  await supervisor.start(name)
  await quiet.renewIfQuiet(name)
  await registry.serving(name, mostStartMs)
}

/** That of conetd is kept for a while, in case that the one that took over from it fails. */
function stillRelieved(name: string, socket: string): ConetError {
  return new ConetError(
    'failedPrecondition',
    `start driver "${name}": the instance at ${socket} has just taken over from that of conetd, which has not ended yet`,
    { details: { driver: name, socket }, help: `Ask again when it has ended: conet driver list` },
  )
}

/** The instance that conetd starts takes over from it, at a socket of its own. */
function mayBeRelieved({ driver: { name, capabilities }, socket }: Session): boolean {
  return capabilities.hotUpgrade === true && !isSocketOf(socket.path, name)
}

/** One that is gone is not heard of any more, unless its networks wait for it. */
async function stop(
  { registry, supervisor }: DriversOnly,
  asked: string,
  { list, isNeeded }: { list: () => DriverView[]; isNeeded: (name: string) => boolean },
): Promise<void> {
  if (await supervisor.stop(asked)) return
  const { name, socket, state, role, protocol_version: spoken } = find(list(), asked)
  if (socket !== undefined) {
    if (isSocketOf(socket, name) && (await supervisor.stop(name))) return
    if (spoken === undefined) throw neverIntroduced(name, socket)
    if (role !== undefined || state === 'rejected') throw startedElsewhere(inTheWayOfStop, name, socket)
  }
  // Known, and stopped already: as it should be.
  if (!isNeeded(name)) registry.forget(name)
}

function neverIntroduced(name: string, socket: string): ConetError {
  return new ConetError(
    'failedPrecondition',
    `stop driver "${name}": what is at ${socket} has not introduced itself, and cannot be told to stop`,
    {
      details: { driver: name, socket },
      help: `End the process that listens there. Where nobody does: rm ${socket}`,
    },
  )
}

function startedElsewhere(
  { what, help }: { what: string; help: string },
  name: string,
  socket: string,
): ConetError {
  return new ConetError(
    'failedPrecondition',
    `${what} driver "${name}": it runs at ${socket}, and was not started by conetd`,
    { details: { driver: name, socket }, help },
  )
}

/**
 * Two sockets may claim one name: the one in use counts. Any of them goes by its socket: `wire-2.sock`, its path, or
 * `wire-2` where that is nobody's name.
 */
function find(drivers: readonly DriverView[], name: string): DriverView {
  const named = drivers.filter((driver) => driver.name === name)
  const found =
    named.find(({ role }) => role === 'active') ??
    named[0] ??
    drivers.find(({ socket = '' }) => [socket, basename(socket), basename(socket, '.sock')].includes(name))
  if (found !== undefined) return found
  const known = [...new Set(drivers.map((driver) => driver.name))].sort()
  throw new ConetError(
    'notFound',
    `there is no driver "${name}"; known drivers: ${known.join(', ') || 'none'}`,
    { details: { driver: name, known } },
  )
}
