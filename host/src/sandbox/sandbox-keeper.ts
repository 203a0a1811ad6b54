// Holds on sandboxes: each container's network namespace, bind-mounted below conet's run directory from `up` to `down`.
// Knows no containers beyond their sandbox ids, and no drivers.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ConetError } from '@conet/sdk'
import {
  bindNamespace,
  deleteNamespace,
  interfaceSysctl,
  KernelError,
  makeNamespace,
  type Namespace,
  openSandbox,
  Rtnl,
  releaseNamespaceDirectory,
  writeSysctl,
} from '@conet/sdk/linux'
import { startLoopback } from './loopback.ts'
import { assertRoom } from './room-for-interfaces.ts'
import { isSandboxGone } from './sandbox-gone.ts'
import { locate, openSource, type SandboxSource } from './sandbox-source.ts'

export type HeldSandbox = {
  path: string
  owner: 'conet' | 'runtime'
  /** Identity of the namespace while it is held. */
  namespace: string
  /** Interfaces that were there before conet came, loopback aside. */
  foreignInterfaces: string[]
}

export class SandboxKeeper {
  readonly #directory: string

  /** `directory` holds the bind mounts; made when the first sandbox is. */
  constructor(directory: string) {
    this.#directory = directory
  }

  pathOf(id: string): string {
    return join(this.#directory, id)
  }

  /** Where conetd itself finds the namespace that a runtime names. Throws `invalidSandbox`. */
  locate(source: SandboxSource): SandboxSource {
    return locate(source)
  }

  /** The identity of the namespace that a runtime names, without taking hold of it. Throws `invalidSandbox`. */
  identify(source: SandboxSource): string | undefined {
    using namespace = openSource(source)
    return namespace?.id
  }

  /** Whether what is plugged elsewhere could be plugged there, as far as a look shows. Throws `conflict`. Changes nothing. */
  assertRoom(source: SandboxSource, coming: Parameters<typeof assertRoom>[1]): void {
    assertRoom(source, coming)
  }

  /** Takes hold of the runtime's namespace, or makes one, and prepares it for interfaces. When a step fails nothing is left. */
  hold(id: string, source: SandboxSource): HeldSandbox {
    const path = this.pathOf(id)
    // What a crash left at this path belongs to a sandbox that is not on record any more.
    deleteNamespace(path)
    using named = openSource(source)
    if (named === undefined) makeNamespace(path)
    else bindNamespace(named, path)
    try {
      using namespace = openSandbox(path)
      const foreignInterfaces = startLoopback(namespace)
      ignoreRouters(namespace)
      return {
        path,
        owner: named === undefined ? 'conet' : 'runtime',
        namespace: namespace.id,
        foreignInterfaces,
      }
    } catch (error) {
      deleteNamespace(path)
      throw error
    }
  }

  /** Whether the namespace is still held at its path: not after a reboot, or when somebody unmounted it. */
  isHeld(path: string, namespace: string): boolean {
    try {
      using held = openSandbox(path)
      return held.id === namespace
    } catch (error) {
      if (ConetError.is(error)) return false
      throw error
    }
  }

  /** The names of the interfaces in it; undefined when it is gone. */
  interfacesIn(path: string): string[] | undefined {
    try {
      using namespace = openSandbox(path)
      using rtnl = Rtnl.openIn(namespace)
      return rtnl.links().map(({ name }) => name)
    } catch (error) {
      if (isSandboxGone(error)) return undefined
      throw error
    }
  }

  /** Lets go. A namespace that conet made ends with it, once no process is in it. May be repeated. */
  release(path: string): void {
    deleteNamespace(path)
  }

  /** Lets go of everything but these ids: what a crash has left between taking hold and writing it down. */
  releaseOthers(ids: ReadonlySet<string>): string[] {
    const others = this.others(ids)
    for (const id of others) deleteNamespace(this.pathOf(id))
    return others
  }

  /** What is held beside these ids. */
  others(ids: ReadonlySet<string>): string[] {
    if (!existsSync(this.#directory)) return []
    return readdirSync(this.#directory).filter((id) => !ids.has(id))
  }

  /** Takes back the mount on which the sandboxes stand, once none is held, so that the directory can be deleted. */
  close(): void {
    const isUsed = existsSync(this.#directory) && readdirSync(this.#directory).length > 0
    if (!isUsed) releaseNamespaceDirectory(this.#directory)
  }
}

/**
 * Interfaces that are made from now on take no routes from whoever in their network says that he is a router
 * (CVE-2020-10749), and do not ask for one: a bridge would carry the question to each of its ports.
 */
function ignoreRouters(namespace: Namespace): void {
  const key = interfaceSysctl('ipv6', { interfaceName: 'default', setting: 'accept_ra' })
  try {
    writeSysctl(namespace, { key, value: 0 })
  } catch (error) {
    // No IPv6 in this kernel.
    if (!KernelError.is(error, 'ENOENT')) throw error
  }
}
