// Which containers nobody seems to care for. Each code is explained in docs/operating.md.
import type { Finding } from '@conet/sdk/api'
import { networkGoneHelp } from '../domain/network.ts'
import { type Check, counted, some } from './check.ts'
import type { StatusFacts } from './facts.ts'

const dayMs = 24 * 60 * 60 * 1000

export const sandboxesGone: Check = ({ lostSandboxes }) => {
  if (lostSandboxes.length === 0) return []
  const named = lostSandboxes.map(({ handle, path }) => `${handle} (${path})`)
  return [
    {
      severity: 'error',
      code: 'sandbox-gone',
      message: `${counted(lostSandboxes.length, 'container')} whose network namespace is not where conet held it: ${some(named)}`,
      help: 'nothing can be plugged there any more; conet reconcile takes them down: end them with their runtime and start them again',
    },
  ]
}

export const processesGone: Check = ({ forsaken }) => {
  if (forsaken.length === 0) return []
  const named = forsaken.map(
    ({ handle, pid, downAt }) =>
      `${handle} (pid ${pid}${downAt === undefined ? '' : `, taken down at ${downAt.toISOString()}`})`,
  )
  return [
    {
      severity: 'warning',
      code: 'container-process-gone',
      message: `${counted(forsaken.length, 'container')} without a process, and nobody took them down: ${some(named)}`,
      help: 'see why the runtime did not: its log; to do it now: conet container down HANDLE',
    },
  ]
}

export const downsUnreadable: Check = ({ unreadableDowns }) => {
  if (unreadableDowns.length === 0) return []
  return [
    {
      severity: 'warning',
      code: 'down-unreadable',
      message: `${counted(unreadableDowns.length, 'file')} that a runtime left while conetd was away cannot be read: ${some(unreadableDowns)}`,
      help: 'a container may be up that was to go down (conet container list): conet container down HANDLE, and remove the file',
    },
  ]
}

/** As on a host that was removed from its cluster, and whose addresses were given away, when it has come back. */
export const containersUnplugged: Check = ({ unplugged }) => {
  const gone = unplugged.filter(({ isGone }) => isGone)
  const left = unplugged.filter(({ isLeft }) => isLeft)
  const here = unplugged.filter(({ isGone, isLeft }) => !(isGone || isLeft))
  return [
    ...unpluggedFinding(here, {
      what: 'without an interface that should be there',
      nameOf: ({ handle, network, reason }) =>
        `${handle} in network ${network}${reason === undefined ? '' : ` (${reason})`}`,
      help: 'conet container up HANDLE plugs what is missing, with other addresses where those before belong to others now',
    }),
    ...unpluggedFinding(left, {
      what: 'without an interface in a network of a cluster, in which this host is no more',
      nameOf: ({ handle, network }) => `${handle} in network ${network}`,
      help: 'start conetd with --cluster and --underlay-address, as it was before',
    }),
    ...unpluggedFinding(gone, {
      what: 'in a network that was deleted in the cluster meanwhile',
      nameOf: ({ handle, network }) => `${handle} in ${network}`,
      help: networkGoneHelp,
    }),
  ]
}

type Unplugged = StatusFacts['unplugged']

function unpluggedFinding(
  unplugged: Unplugged,
  { what, nameOf, help }: { what: string; nameOf(one: Unplugged[number]): string; help: string },
): Finding[] {
  if (unplugged.length === 0) return []
  const handles = new Set(unplugged.map(({ handle }) => handle))
  const message = `${counted(handles.size, 'container')} ${what}: ${some(unplugged.map(nameOf))}`
  return [{ severity: 'error', code: 'container-unplugged', message, help }]
}

/** Not those that are about to start: of a day, or of half the time after which they are forgotten. */
export const configurationsUnused: Check = ({ unused, now }) => {
  const old = unused.filter(({ since, forgottenAt }) => {
    const keptMs =
      forgottenAt === undefined ? Number.POSITIVE_INFINITY : forgottenAt.getTime() - since.getTime()
    return now.getTime() - since.getTime() >= Math.min(dayMs, keptMs / 2)
  })
  if (old.length === 0) return []
  const named = old.map(({ handle, since }) => `${handle} since ${since.toISOString()}`)
  return [
    {
      severity: 'info',
      code: 'configuration-unused',
      message: `${counted(old.length, 'configuration')} of containers that never came up: ${some(named)}`,
      help: 'conet container rm HANDLE forgets one; timeouts.unused_config_ms lets conetd do it',
    },
  ]
}
