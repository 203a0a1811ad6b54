// The two hooks: a container comes up before its process starts, and goes down when the runtime has deleted it.
import type { ContainerView } from '@conet/sdk/client'
import { ask, type Conetd, namespaceOf, Refusal, takeDown } from '../shim/calls.ts'
import { NoAnswer } from '../shim/exchange.ts'
import { runtimeSocketOf } from '../shim/socket-place.ts'
import { attachmentsOf, inWordsOfAnnotations } from './annotations.ts'
import type { Arguments } from './arguments.ts'
import { type Bundle, bundleAt } from './bundle.ts'
import { type ContainerState, parseState } from './state.ts'

/** Throws an Error whose message is for people. */
export async function run({ stage, socket, timeoutMs }: Arguments, input: string): Promise<void> {
  const state = parseState(input)
  const conetd = { socket: runtimeSocketOf(socket), timeoutMs }
  if (stage === 'poststop') await takeDown(conetd, state.id)
  else await createRuntime(conetd, state)
}

/** crun runs no poststop after this has failed, so what was half done is taken back here. */
async function createRuntime(conetd: Conetd, state: ContainerState): Promise<void> {
  const { id, pid, annotations } = state
  if (pid === undefined) throw new Error('the state on the standard input has no pid')
  const attachTo = attachmentsOf(annotations)
  const namespace = namespaceOf(`/proc/${pid}/ns/net`)
  const bundle = state.bundle === undefined ? undefined : bundleAt(state.bundle)
  const body = {
    pid,
    ...(namespace === undefined ? {} : { namespace }),
    ...(attachTo === undefined ? {} : { attach_to: attachTo }),
    ...namesOf(bundle),
  }
  const path = `/internal/containers/${encodeURIComponent(id)}/up`
  try {
    // conetd checks its answers against the schema of this type.
    const container = (await ask({ ...conetd, path, body })) as ContainerView
    await bindFiles(container, { pid, root: bundle?.root })
  } catch (error) {
    // What conetd refused it has undone, and where nobody listens nothing was done.
    if (!(error instanceof Refusal) && !(error instanceof NoAnswer && error.isAway))
      await takeDown(conetd, id)
    throw error instanceof Refusal ? new Refusal(inWordsOfAnnotations(error.message, attachTo)) : error
  }
}

function namesOf({ hostname, extraHosts = [] }: Partial<Bundle> = {}) {
  return {
    ...(hostname === undefined ? {} : { hostname }),
    ...(extraHosts.length === 0 ? {} : { extra_hosts: extraHosts }),
  }
}

/** Loads the kernel toolkit only where there is something to bind. */
async function bindFiles(
  { resolver_files: files }: ContainerView,
  { pid, root }: { pid: number; root: string | undefined },
): Promise<void> {
  if (files === undefined || root === undefined) return
  const { bindResolverFiles } = await import('./resolver-binds.ts')
  bindResolverFiles(files, { pid, root })
}
