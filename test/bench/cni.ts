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

/** The same for the plugin that maps ports, which runs iptables. */
export function portmapIsAbsent(): string | undefined {
  const programs = [join(folder, 'portmap'), '/usr/sbin/iptables']
  const missing = programs.find((program) => !existsSync(program))
  return missing === undefined ? cniIsAbsent() : `not installed: ${missing}`
}

/** A machine of its own for the plugin, with its records in the directory, and sandboxes. */
export class Cni implements Disposable {
  readonly #namespace: Namespace
  readonly #machine: string
  readonly #directory: string
  readonly #configuration: string
  readonly #containers: readonly string[]

  constructor(directory: string, containers: number) {
    this.#directory = directory
    this.#containers = Array.from({ length: containers }, (_, number) => `cni-${number}`)
    this.#machine = join(directory, 'cni-machine')
    makeNamespace(this.#machine)
    for (const container of this.#containers) makeNamespace(this.#sandboxOf(container))
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

  /** Plugs the container of this number. */
  add(number: number): void {
    this.#run('ADD', this.#containers[number] ?? '')
  }

  del(number: number): void {
    this.#run('DEL', this.#containers[number] ?? '')
  }

  /** Leads a port of the machine to the first container, as a runtime does after the bridge plugin. */
  addPort(hostPort: number): void {
    this.#map('ADD', hostPort)
  }

  deletePort(hostPort: number): void {
    this.#map('DEL', hostPort)
  }

  /** What running any program costs here, to tell the plugin's own time from it. */
  execNothing(): void {
    this.#exec('/bin/true', {}, '')
  }

  [Symbol.dispose](): void {
    this.#namespace.close()
    for (const container of this.#containers) deleteNamespace(this.#sandboxOf(container))
    deleteNamespace(this.#machine)
  }

  #sandboxOf(container: string): string {
    return join(this.#directory, container)
  }

  #map(command: 'ADD' | 'DEL', hostPort: number): void {
    const [container = ''] = this.#containers
    const interfaces = [{ name: 'eth0', sandbox: this.#sandboxOf(container) }]
    const configuration = {
      cniVersion: '1.0.0',
      name: 'bench',
      type: 'portmap',
      capabilities: { portMappings: true },
      runtimeConfig: { portMappings: [{ hostPort, containerPort: 80, protocol: 'tcp' }] },
      prevResult: { cniVersion: '1.0.0', interfaces, ips: [{ interface: 0, address: '10.201.0.2/16' }] },
    }
    this.#exec(join(folder, 'portmap'), this.#words(command, container), JSON.stringify(configuration))
  }

  #run(command: 'ADD' | 'DEL', container: string): void {
    this.#exec(join(folder, 'bridge'), this.#words(command, container), this.#configuration)
  }

  #words(command: 'ADD' | 'DEL', container: string): Record<string, string> {
    return {
      CNI_COMMAND: command,
      CNI_CONTAINERID: container,
      CNI_NETNS: this.#sandboxOf(container),
      CNI_IFNAME: 'eth0',
      CNI_PATH: folder,
    }
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
