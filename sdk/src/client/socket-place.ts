// What is at the path where conetd should listen, and what can be done about it.
import { type Stats, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { defaultSocketPath } from './socket-paths.ts'

/** Why nobody answers there, and lines of help that can work. */
export type EmptyPlace = { readonly why: string; readonly help: string }

const nameIt = 'name the socket of one that runs: --socket PATH or CONET_SOCKET'

/** After a connection was refused, or found nothing. Looks at the path; without permission it says what is known. */
export function emptyPlace(socketPath: string): EmptyPlace {
  const found = look(socketPath)
  if (found === undefined) return nothingThere(socketPath)
  if (found.isSocket()) return { why: 'nobody listens there', help: lines(startIt(socketPath), nameIt) }
  if (found.isDirectory()) return directoryThere(socketPath)
  return { why: 'that is a file, and no socket', help: nameIt }
}

function nothingThere(socketPath: string): EmptyPlace {
  const why = 'there is no such socket'
  const above = nearestAbove(socketPath)
  if (above === undefined) return { why, help: lines(startIt(socketPath), nameIt) }
  if (!above.isDirectory) return { why: `${why}: ${above.path} is no directory`, help: nameIt }
  return { why, help: lines(startIt(socketPath, above.path === dirname(socketPath)), nameIt) }
}

function directoryThere(directory: string): EmptyPlace {
  const inside = join(directory, basename(defaultSocketPath))
  const help = look(inside)?.isSocket() ? `name the socket in it: --socket ${inside}` : nameIt
  return { why: 'that is a directory, and no socket', help }
}

/** conetd makes its run directory, and no directory for a socket elsewhere. */
function startIt(socketPath: string, hasDirectory = true): string {
  const socket = socketPath.replace(/\.runtime\.sock$/, '.sock')
  const directory = dirname(socket)
  const isOfRunDirectory = basename(socket) === basename(defaultSocketPath)
  const start = (flags: string, others = '') =>
    `start it as root: ${flags} --spawn bridge,null (it starts these drivers too: name those that this host uses${others})`
  if (socket === defaultSocketPath) return start('conetd')
  // Elsewhere its record is not in the usual place either.
  if (isOfRunDirectory)
    return start(`conetd --run-dir ${directory}`, '; and the --state-dir or --config that it had before')
  const asBefore = '; and the --run-dir, --state-dir or --config that it had before'
  if (hasDirectory) return start(`conetd --socket ${socket}`, asBefore)
  return start(`mkdir -p ${directory} && conetd --socket ${socket}`, asBefore)
}

/** Undefined when that cannot be seen. */
function nearestAbove(path: string): { path: string; isDirectory: boolean } | undefined {
  for (let at = dirname(path); ; at = dirname(at)) {
    const stats = look(at)
    if (stats !== undefined) return { path: at, isDirectory: stats.isDirectory() }
    if (at === dirname(at)) return undefined
  }
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    // Not there, or not for us to see: either way there is nothing to say about it.
    return undefined
  }
}

function lines(...all: string[]): string {
  return all.join('\n')
}
