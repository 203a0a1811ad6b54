// A policy that was taken while its container was down may be refused when it comes up: the driver knows more than its
// schema says, and ports may be taken. Who started the container did not write the policy, and must learn whose it is.
import { ConetError, type ConetErrorOptions, type ErrorKind } from '@conet/sdk'
import type { Attachment, ContainerRecord } from '../domain/container.ts'
import { sourceOf } from '../domain/policy.ts'
import { shellWord } from '../domain/shell-word.ts'
import { aboutAdded } from './added-entries.ts'
import type { HostContext } from './host-context.ts'
import { retold } from './retold.ts'

/** The path of a container's own policy for an attachment, as clients say it. */
export function pathOfPolicy(attachment: string): string {
  return `networks.${attachment}`
}

export const defaultPolicyPath = 'default_policy'

/** What is wrong with a policy, and where the client has said that policy. */
export class PolicyRefusal extends ConetError {
  /** The message without the path. */
  readonly words: string

  constructor(kind: ErrorKind, { at, words }: { at: string; words: string }, options: ConetErrorOptions) {
    super(kind, `${at}: ${words}`, options)
    this.words = words
  }
}

/** The same error without the path of the policy before its message: who has sent entries alone knows of no attachments. */
export function withoutPath(error: ConetError): ConetError {
  return error instanceof PolicyRefusal ? retold(error, { message: error.words }) : error
}

type Place = { readonly container: ContainerRecord; readonly attachment: Attachment }

/** Runs `work`, which makes the endpoint of the attachment; an error about its policy says whose that is. */
export async function namingPolicy<T>(host: HostContext, place: Place, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw ConetError.is(error) && isAboutPolicy(error, place) ? namedPolicy(host, error, place) : error
  }
}

type PolicyName = {
  readonly handle: string
  readonly attachment: string
  readonly network: string
  readonly whose: 'own' | 'default' | 'added'
}

function namedPolicy(
  { inventory }: HostContext,
  error: ConetError,
  { container, attachment: { name, networkId } }: Place,
): ConetError {
  const network = inventory.networks.get(networkId)
  const names = { handle: container.handle, attachment: name, network: network?.name ?? name }
  const source = sourceOf(container, name, network)
  // Without a document before it all is the runtime's.
  if (source !== 'default')
    return refusalOf(error, { ...names, whose: source === 'container' ? 'own' : 'added' })
  const told = aboutAdded(
    error,
    { container, attachment: name, network },
    ({ member, place }) => `${pathOfPolicy(name)}.${member}[${place}]`,
  )
  return refusalOf(told, { ...names, whose: told === error ? 'default' : 'added' })
}

const nameOf: Readonly<Record<PolicyName['whose'], string>> = {
  own: 'its own policy there',
  default: 'the default policy of that network',
  added: 'what its runtime has added there',
}

/** Drivers speak of `policy`, the host of the path in its API. */
function isAboutPolicy({ fields }: ConetError, { attachment }: Place): boolean {
  const roots = ['policy', defaultPolicyPath, pathOfPolicy(attachment.name)]
  return fields.some(({ path }) => roots.some((root) => isBelow(path, root)))
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(`${root}.`) || path.startsWith(`${root}[`)
}

function refusalOf(error: ConetError, { handle, attachment, network, whose }: PolicyName): ConetError {
  const { message, fields, details } = error
  const isOwn = whose !== 'default'
  const at = isOwn ? pathOfPolicy(attachment) : defaultPolicyPath
  const place = `attachment ${attachment} in network ${network}: ${nameOf[whose]}`
  return retold(error, {
    message: `plug container ${handle}: ${place}: ${message}`,
    fields: fields.map((field) => ({ ...field, path: inRequest(field.path, at) })),
    details: { ...details, container: handle, attachment, network },
    help: isOwn
      ? ((whose === 'added' ? error.help : undefined) ??
        `see or replace it: conet container policy ${shellWord(handle)}`)
      : (sharedPortHelp(error, network) ?? `see or replace it: conet net default-policy ${network}`),
  })
}

/** Runs `work`, which takes the ports of a default policy; one that another of its containers has says what to do. */
export function helpingWithPorts<T>(network: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const help = ConetError.is(error) ? sharedPortHelp(error, network) : undefined
    if (!ConetError.is(error) || help === undefined) throw error
    throw retold(error, { help })
  }
}

/** Undefined unless it is a port that another one of those has whom the policy is for. */
function sharedPortHelp(error: ConetError, network: string): string | undefined {
  if (!ConetError.is(error, 'portInUse') || error.details.endpointId === undefined) return undefined
  return (
    'a fixed port cannot serve several containers: leave host_port out, or give each container a policy of its own; ' +
    `conet net default-policy ${network} shows it`
  )
}

/** The path in a client's request of what a driver calls `policy…`. */
export function inRequest(path: string, at: string): string {
  return path.replace(/^policy(?=$|[.[])/, at)
}
