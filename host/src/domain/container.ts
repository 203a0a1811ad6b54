// What a container is to the host, and which step may follow which.
//
//   defined ──up──► up ──down──► down ──up──► up …        any ──remove──► gone
//
// What a client configured survives `down`; endpoints and the sandbox do not.
import { ConetError } from '@conet/sdk'
import { type Static, Type } from 'typebox'

export const ContainerState = Type.Union([Type.Literal('defined'), Type.Literal('up'), Type.Literal('down')])
export type ContainerState = Static<typeof ContainerState>

/** One network that the container wants, and what the client asked of it. */
export const Attachment = Type.Object({
  /** Unique in the container. */
  name: Type.String(),
  networkId: Type.String(),
  interface: Type.Optional(Type.String()),
  addresses: Type.Array(Type.String()),
  macAddress: Type.Optional(Type.String()),
  mtu: Type.Optional(Type.Integer()),
  defaultRoute: Type.Optional(Type.Boolean()),
  options: Type.Record(Type.String(), Type.Unknown()),
})
export type Attachment = Static<typeof Attachment>

/** Durable: what a client configured. */
export const ContainerRecord = Type.Object({
  handle: Type.String(),
  labels: Type.Record(Type.String(), Type.String()),
  attachments: Type.Array(Attachment),
  /** The configuration as the client gave it. */
  config: Type.Record(Type.String(), Type.Unknown()),
  createdAt: Type.String(),
})
export type ContainerRecord = Static<typeof ContainerRecord>

/** Volatile: the container's network namespace, held at `path` by a bind mount of conet's. */
export const SandboxRecord = Type.Object({
  handle: Type.String(),
  id: Type.String(),
  path: Type.String(),
  owner: Type.Union([Type.Literal('conet'), Type.Literal('runtime')]),
  pid: Type.Optional(Type.Integer()),
  /** Identity of the namespace (device and inode): the same container `up` with another one is `down` first. */
  namespace: Type.String(),
  /** Another one at each `up`: the kernel may give `namespace` again to the next one. */
  hold: Type.String(),
  /** `starting` until every endpoint is plugged; `stopping` until nothing is left of it; `stopped`: the container is down. */
  state: Type.Union([
    Type.Literal('starting'),
    Type.Literal('up'),
    Type.Literal('stopping'),
    Type.Literal('stopped'),
  ]),
  /** Interfaces that were there before conet came: never conet's to name or touch. */
  foreignInterfaces: Type.Array(Type.String()),
})
export type SandboxRecord = Static<typeof SandboxRecord>

export function stateOf(sandbox: SandboxRecord | undefined): ContainerState {
  if (sandbox === undefined) return 'defined'
  return sandbox.state === 'stopped' || sandbox.state === 'stopping' ? 'down' : 'up'
}

/** Throws when the configuration may not change now: attachments are fixed from `up` on; plug and unplug change them. */
export function assertConfigurable(handle: string, sandbox: SandboxRecord | undefined): void {
  if (stateOf(sandbox) !== 'up') return
  throw new ConetError('failedPrecondition', `configure container ${handle}: it is up`, {
    help: 'use plug and unplug to change a running container, or take it down first',
  })
}

/** Throws when two attachments of one container share a name or an interface name, or both want the default route. */
export function assertDistinct(handle: string, attachments: readonly Attachment[]): void {
  const names = new Set<string>()
  const interfaces = new Set<string>()
  let hasDefaultRoute = false
  attachments.forEach((attachment, index) => {
    const path = `attach_to[${index}]`
    if (names.has(attachment.name))
      refuse(handle, `${path}.name`, `a second attachment is named ${attachment.name}`)
    names.add(attachment.name)
    if (attachment.defaultRoute === true && hasDefaultRoute) {
      refuse(handle, `${path}.default_route`, 'a second attachment wants the default route')
    }
    hasDefaultRoute ||= attachment.defaultRoute === true
    if (attachment.interface === undefined) return
    if (interfaces.has(attachment.interface)) {
      refuse(handle, `${path}.interface`, `a second attachment wants interface ${attachment.interface}`)
    }
    interfaces.add(attachment.interface)
  })
}

function refuse(handle: string, path: string, message: string): never {
  throw new ConetError('invalidArgument', `container ${handle}: ${path}: ${message}`, {
    fields: [{ path, message }],
  })
}
