// Where a runtime says that a container's network namespace is, and what is wrong with what it says, in its words.
import { existsSync } from 'node:fs'
import { ConetError } from '@conet/sdk'
import { type Namespace, openSandbox } from '@conet/sdk/linux'
import { findProcessIn, namespaceIdAt } from './processes-in-namespace.ts'

/** Where a runtime keeps the namespace; none of it: conet makes one. */
export type SandboxSource = {
  pid?: number | undefined
  netns?: string | undefined
  /** Its identity as the runtime sees it: the same everywhere, where pids and paths are not. */
  namespace?: string | undefined
}

/**
 * The same place as conetd sees it. A runtime in another PID or mount namespace names a pid or a path that is another
 * here, or none; by the namespace's identity a process in it is found. Throws `invalidSandbox` if there is none.
 */
export function locate(source: SandboxSource): SandboxSource {
  const { pid, netns, namespace } = source
  const path = pathOf(source)
  if (namespace === undefined || (path !== undefined && namespaceIdAt(path) === namespace))
    return { pid, netns }
  const found = findProcessIn(namespace)
  if (found !== undefined) return { pid: found }
  throw new ConetError('invalidSandbox', `up: conetd sees no process in the network namespace ${namespace}`, {
    details: { namespace, ...(pid === undefined ? {} : { pid }), ...(netns === undefined ? {} : { netns }) },
    help: 'the container may have ended; or conetd runs in a PID namespace from which it cannot be seen',
  })
}

/** Opens the namespace that is named; the caller closes it. Undefined: none is. Throws `invalidSandbox` and its like. */
export function openSource(source: SandboxSource): Namespace | undefined {
  const path = pathOf(source)
  if (path === undefined) return undefined
  try {
    return openSandbox(path)
  } catch (error) {
    if (ConetError.is(error, 'sandboxUnreachable')) throw reworded(error, unseenHelp)
    if (ConetError.is(error, 'permissionDenied')) throw reworded(error, deniedHelp(source), deniedIn(source))
    throw ConetError.is(error, 'invalidSandbox') ? inWordsOf(source, error) : error
  }
}

function pathOf({ pid, netns }: SandboxSource): string | undefined {
  if (pid !== undefined && netns !== undefined) {
    throw new ConetError('invalidArgument', 'up: pid and netns exclude each other', {
      fields: [{ path: 'netns', message: 'excludes pid' }],
    })
  }
  return netns ?? (pid === undefined ? undefined : `/proc/${pid}/ns/net`)
}

/** The same failure with advice to one who starts a container, where nothing was held before. */
function inWordsOf({ pid, netns = '' }: SandboxSource, cause: ConetError): ConetError {
  if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
    return reworded(cause, pidHelp, `there is no process with the pid ${pid}`)
  }
  const isOfCaller = /^\/proc\/(self|thread-self)\//.test(netns)
  return reworded(cause, pid !== undefined ? pidHelp : isOfCaller ? selfHelp : pathHelp)
}

function deniedIn({ pid, netns }: SandboxSource): string {
  return `conetd may not open the network namespace ${pid === undefined ? `at ${netns}` : `of the process ${pid}`}`
}

/** Process 1 is the machine's own first one; in a container that conetd itself runs in, that container's. */
function deniedHelp({ pid, netns }: SandboxSource): string {
  if (pid === 1 || netns === '/proc/1/ns/net') return `process 1 is not the container’s: ${pidHelp}`
  return deniedToConetd
}

function reworded(cause: ConetError, help: string, message = cause.message): ConetError {
  return new ConetError(cause.kind, message, { cause, details: { ...cause.details }, help })
}

const pidHelp =
  'name a process that runs in the container, in a network namespace of its own; without one conet makes a namespace'
const deniedToConetd =
  'for a process that is not in its user namespace, or has more capabilities, conetd needs CAP_SYS_PTRACE; or name the path of a mount of the namespace (--netns), such as /run/netns/NAME'
const unseenHelp =
  'conetd sees no mount at this path: run the one that mounts it in the same mount namespace, or name /proc/PID/ns/net'
const selfHelp = 'conetd reads this path, so it names conetd itself: use /proc/PID/ns/net'
const pathHelp =
  'name the path of the container’s network namespace, such as /proc/PID/ns/net or /run/netns/NAME; without one conet makes a namespace'
