// The driver's own address management: which subnet a network gets, and which address an endpoint. IPv4, as in Weave.
import { ConetError } from '@conet/sdk'

/** For networks whose subnet nobody names: sixteen /16, together Weave's 10.32.0.0/12. */
const ownBlocks = Array.from({ length: 16 }, (_, n) => `10.${32 + n}.`)

/** A subnet that meets none of these destinations, which the machine knows already. */
export function freeSubnet(destinations: readonly string[]): string {
  const block = ownBlocks.find((start) => !destinations.some((known) => known.startsWith(start)))
  if (block !== undefined) return `${block}0.0/16`
  throw new ConetError('addressesExhausted', 'create network: all of 10.32.0.0/12 is in use')
}

/** That of the bridge, where Weave's resolver listens, too. */
export function firstAddress(subnet: string): string {
  return textOf(rangeOf(subnet).first)
}

type Wish = { requested: string | undefined; held: ReadonlySet<string | undefined> }

/** The address that was asked for, or the lowest one that nobody holds; with its prefix length. */
export function chooseAddress(subnet: string, { requested, held }: Wish): string {
  const { first, last, length } = rangeOf(subnet)
  for (let next = first; requested === undefined && next <= last; next++)
    if (!held.has(textOf(next))) return `${textOf(next)}/${length}`
  if (requested === undefined) throw new ConetError('addressesExhausted', `all of ${subnet} are in use`)
  const what = `reserve ${requested} of ${subnet}`
  const number = numberOf(requested)
  if (!(number >= first && number <= last))
    throw new ConetError('addressOutOfRange', `${what}: it is not in it`)
  if (held.has(requested)) throw new ConetError('addressInUse', `${what}: it is somebody's`)
  return `${requested}/${length}`
}

/** Between the network's own address and the broadcast address. */
function rangeOf(subnet: string) {
  const [base = '', length = ''] = subnet.split('/')
  return { first: numberOf(base) + 1, last: numberOf(base) + 2 ** (32 - Number(length)) - 2, length }
}

/** NaN for an IPv6 address, which is in no range. */
function numberOf(address: string): number {
  return address.split('.').reduce((number, byte) => number * 256 + Number(byte), 0)
}

function textOf(number: number): string {
  return [24, 16, 8, 0].map((bits) => (number >>> bits) & 255).join('.')
}
