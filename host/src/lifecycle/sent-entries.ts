// Entries that a client adds at the end of a policy's list, when one of them is refused: it knows those it has sent and
// not what is in the list before them.
import { isDeepStrictEqual } from 'node:util'
import { ConetError } from '@conet/sdk'
import type { UpBody } from '@conet/sdk/api'
import { type Attachment, type ContainerRecord, primaryOf } from '../domain/container.ts'
import { entriesOf, netOutRule, portRequest } from '../domain/garden-policy.ts'
import { policyFor } from '../domain/policy.ts'
import type { HostContext } from './host-context.ts'
import { retold } from './retold.ts'

export type SentEntries = {
  readonly member: 'net_in' | 'net_out'
  /** What the sender calls the entry at this place in the list: empty where it is the whole body; undefined: it has not sent it. */
  readonly nameOf: (place: number) => string | undefined
}

/** The same error about what was sent, or what was given when it is about something else. */
export function aboutSent(error: ConetError, { member, nameOf }: SentEntries): ConetError {
  const place = new RegExp(`[\\w.-]*\\b${member}\\[(\\d+)\\](\\.?)`, 'g')
  const renamed = (text: string) =>
    text.replace(place, (whole, index, dot) => {
      const name = nameOf(Number(index))
      return name === undefined ? whole : name === '' ? '' : `${name}${dot}`
    })
  const { message, fields } = error
  if ([message, ...fields.map(({ path }) => path)].every((text) => renamed(text) === text)) return error
  return retold(error, {
    message: renamed(message),
    fields: fields.map(({ path, message: why, ...rest }) => ({
      ...rest,
      path: renamed(path),
      message: renamed(why),
    })),
  })
}

/** What is refused of the ports and rules of an `up`, which are in the policy of the primary network by now. */
export function aboutSentAtUp(
  { inventory }: HostContext,
  error: unknown,
  { container, attachment, body }: { container: ContainerRecord; attachment: Attachment; body: UpBody },
): unknown {
  const { netin = [], netout_rules: rules = [] } = body
  if (!ConetError.is(error) || attachment.name !== primaryOf(container.attachments)?.name) return error
  const policy = policyFor(container, attachment.name, inventory.networks.get(attachment.networkId)) ?? {}
  const placesIn = (member: SentEntries['member'], name: string, sent: readonly unknown[]) => ({
    member,
    nameOf: (place: number) => {
      const entry = entriesOf(policy, member)[place]
      const index = sent.findIndex((one) => isDeepStrictEqual(one, entry))
      return index < 0 ? undefined : `${name}[${index}]`
    },
  })
  const ofPorts = aboutSent(error, placesIn('net_in', 'netin', netin.map(portRequest)))
  return aboutSent(ofPorts, placesIn('net_out', 'netout_rules', rules.map(netOutRule)))
}
