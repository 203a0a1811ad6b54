// What a container is to the host, and which step may follow which.
//
//   defined ──up──► up ──down──► down ──up──► up …        any ──remove──► gone
//
// What a client configured survives `down`; endpoints and the sandbox do not.
import { ConetError, type FieldError } from '@conet/sdk'
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
  /** The client's word that this one stands for the container. */
  primary: Type.Optional(Type.Boolean()),
  /** Present: the network is the container's own, made with `networkId` when the container comes up. */
  own: Type.Optional(
    Type.Object({ type: Type.String(), config: Type.Record(Type.String(), Type.Unknown()) }),
  ),
  options: Type.Record(Type.String(), Type.Unknown()),
})
export type Attachment = Static<typeof Attachment>

const PolicyDocuments = Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown()))
export type PolicyDocuments = Static<typeof PolicyDocuments>

/** Durable: what a client configured. */
export const ContainerRecord = Type.Object({
  handle: Type.String(),
  labels: Type.Record(Type.String(), Type.String()),
  attachments: Type.Array(Attachment),
  /** The configuration as the client gave it. */
  config: Type.Record(Type.String(), Type.Unknown()),
  /** By attachment: the policy that a client has put in the place of its network's. */
  policies: Type.Optional(PolicyDocuments),
  /** By attachment: the policy in the spec of its network, as the configuration has it; one in `policies` counts before it. */
  specPolicies: Type.Optional(PolicyDocuments),
  /** By attachment: what its runtime and Garden's calls have put behind the policy that stands; it ends with its `down`. */
  policyAdditions: Type.Optional(PolicyDocuments),
  /** By attachment: the ports of any number that Garden's calls asked for, in `net_in`: each one more than all others say. */
  furtherPorts: Type.Optional(PolicyDocuments),
  /** What the runtime said of it at `up`, for drivers; it ends with its `down`. */
  properties: Type.Optional(Type.Record(Type.String(), Type.String())),
  /** `runtime`: no client configured it, so it ends with its `down`. Absent: a client did. */
  definedBy: Type.Optional(Type.Literal('runtime')),
  createdAt: Type.String(),
  /** When it was configured last; absent: when it was created. */
  configuredAt: Type.Optional(Type.String()),
  /** When it came up first after that; absent: never. */
  usedAt: Type.Optional(Type.String()),
})
export type ContainerRecord = Static<typeof ContainerRecord>

/** Volatile: the container's network namespace, held at `path` by a bind mount of conet's. */
export const SandboxRecord = Type.Object({
  handle: Type.String(),
  id: Type.String(),
  path: Type.String(),
  owner: Type.Union([Type.Literal('conet'), Type.Literal('runtime')]),
  pid: Type.Optional(Type.Integer()),
  /** When the process began: a pid alone may be another's later. */
  processStart: Type.Optional(Type.String()),
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
  /** What the runtime said for the container's hosts file. */
  hostname: Type.Optional(Type.String()),
  extraHosts: Type.Optional(
    Type.Array(Type.Object({ address: Type.String(), names: Type.Array(Type.String()) })),
  ),
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

/** An attachment with its place in the request: `attach_to[1]`. */
export type PlacedAttachment = { readonly attachment: Attachment; readonly at: string }

/** The members of an attachment that no other of its container may share, as far as they are known. */
export type Claimant = Partial<Omit<Attachment, 'mtu' | 'own' | 'options'>>

/** What only one attachment of a container can have, and a key that is the same for the same. */
type Claim = { readonly field: string; readonly key: string; readonly what: string }

type Place = { readonly at: string; readonly field: string }

/** A claim of the attachment at `at` that the one at `first` has made before. */
export type TakenClaim = Place & Pick<Claim, 'what'> & { readonly first: Place }

/** Throws when two attachments of one container share a name or an interface, or both want what only one can have. */
export function assertDistinct(handle: string, placed: readonly PlacedAttachment[]): void {
  const wrong = takenClaims(placed).map(
    ({ at, field, what, first }): FieldError => ({
      path: `${at}.${field}`,
      message: `a second attachment ${what} (the first: ${first.at}.${first.field})`,
    }),
  )
  if (wrong.length === 0) return
  const reasons = wrong.map(({ path, message }) => `${path}: ${message}`).join('; ')
  throw new ConetError('invalidArgument', `container ${handle}: ${reasons}`, { fields: wrong })
}

/** Names, interfaces and all else that several of a container's attachments want and only the first of them can have. */
export function takenClaims(
  placed: readonly { readonly attachment: Claimant; readonly at: string }[],
): TakenClaim[] {
  const firsts = new Map<string, Place>()
  const taken: TakenClaim[] = []
  for (const { attachment, at } of placed)
    for (const { key, field, what } of claimsOf(attachment)) {
      const first = firsts.get(key)
      if (first === undefined) firsts.set(key, { at, field })
      else taken.push({ at, field, what, first })
    }
  return taken
}

/** Addresses are one namespace's, whatever their networks; a MAC is only known within its network. */
function claimsOf(attachment: Claimant): Claim[] {
  const { name, interface: wanted, defaultRoute, primary, addresses = [], macAddress, networkId } = attachment
  const claim = (field: string, value: string, what: string): Claim => ({
    field,
    key: `${field.replace(/\[.*/, '')} ${value}`,
    what,
  })
  return [
    ...(name === undefined ? [] : [claim('name', name, `is named ${name}`)]),
    ...(wanted === undefined ? [] : [claim('interface', wanted, `wants interface ${wanted}`)]),
    ...(defaultRoute ? [claim('default_route', '', 'wants the default route')] : []),
    ...(primary ? [claim('primary', '', 'is to be the primary one')] : []),
    ...addresses.map((address, index) => claim(`addresses[${index}]`, address, `asks for ${address}`)),
    ...(macAddress === undefined || networkId === undefined
      ? []
      : [claim('mac_address', `${networkId} ${macAddress}`, `asks for ${macAddress} in the same network`)]),
  ]
}

/** The attachment that stands for the container where only one can: the one that is said to, else the first. */
export function primaryOf(attachments: readonly Attachment[]): Attachment | undefined {
  return attachments.find(({ primary }) => primary === true) ?? attachments[0]
}
