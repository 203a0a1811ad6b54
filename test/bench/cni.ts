// The rival: Debian's CNI bridge plugin with host-local addresses and ipMasq, run as a container runtime runs it (the CNI
// specification, section 3): a new process a call, its words in the environment, the network's configuration on stdin.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { deleteNamespace, makeNamespace, Namespace, Rtnl, setLink } from '@conet/sdk/linux'

const folder = '/usr/lib/cni'
const loopback = 1

/** Why it cannot be measured here; undefined when it can. */
export function cniIsAbsent(): string | undefined {
  const missing = ['bridge', 'host-local'].find((plugin) => !existsSync(join(folder, plugin)))
  return missing === undefined
    ? undefined
    : `not installed: ${folder}/${missing} (Debian package containernetworking-plugins)`
}

/** A machine of its own for the plugin, with its records in the directory and one sandbox. */
export class Cni implements Disposable {
  readonly #namespace: Namespace
  readonly #machine: string
  readonly #sandbox: string
  readonly #configuration: string

  constructor(directory: string) {
    this.#machine = join(directory, 'cni-machine')
    this.#sandbox = join(directory, 'cni-sandbox')
    makeNamespace(this.#machine)
    makeNamespace(this.#sandbox)
    this.#namespace = Namespace.open(this.#machine)
    using rtnl = Rtnl.openIn(this.#namespace)
    rtnl.run(setLink(loopback, { up: true }))
    const ipam = { type: 'host-local', subnet: '10.201.0.0/16', dataDir: join(directory, 'cni') }
    this.#configuration = JSON.stringify({
      cniVersion: '1.0.0',
      name: 'bench',
      type: 'bridge',
      bridge: 'cni0',
      isDefaultGateway: true,
      ipMasq: true,
      ipam,
    })
  }

  add(): void {
    this.#run('ADD')
  }

  del(): void {
    this.#run('DEL')
  }

  /** What running any program costs here, to tell the plugin's own time from it. */
  execNothing(): void {
    this.#exec('/bin/true', {}, '')
  }

  [Symbol.dispose](): void {
    this.#namespace.close()
    for (const path of [this.#machine, this.#sandbox]) deleteNamespace(path)
  }

  #run(command: 'ADD' | 'DEL'): void {
    const words = {
      CNI_COMMAND: command,
      CNI_CONTAINERID: 'bench',
      CNI_NETNS: this.#sandbox,
      CNI_IFNAME: 'eth0',
    }
    this.#exec(join(folder, 'bridge'), { ...words, CNI_PATH: folder }, this.#configuration)
  }

  #exec(program: string, words: Record<string, string>, input: string): void {
    const env = { PATH: process.env.PATH, ...words }
    const { status, stdout, error } = this.#namespace.run(() =>
      spawnSync(program, [], { env, input, encoding: 'utf8' }),
    )
    if (error !== undefined) throw error
    if (status !== 0) throw new Error(`${program} ${words.CNI_COMMAND ?? ''} failed: ${stdout}`)
  }
}
