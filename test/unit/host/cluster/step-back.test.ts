import { keys } from '@conet/host/cluster/keys'
import { StepBack } from '@conet/host/cluster/step-back'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../../support/eventually.ts'

const networkId = 'b'.repeat(64)
const address = '10.0.0.5'
const block = { block: '10.0.0.4', subnet: '10.0.0.0/24' }
const rival = { macAddress: 'm', addresses: [address], tunnelAddress: '192.0.2.2', container: 'c' }
const node = { name: 'two', identity: 'machine', underlayAddress: '192.0.2.2', version: '0', since: '' }

/** Node `two` lives, has the block, and an endpoint with the address. */
const whole: Readonly<Record<string, string>> = {
  [keys.generation]: 'new',
  [keys.block(networkId, block.block)]: JSON.stringify({ node: 'two', subnet: block.subnet }),
  [keys.member(networkId, 'two', 'x')]: JSON.stringify(rival),
  [keys.aliveNode('two')]: 'now',
  [keys.node('two')]: JSON.stringify(node),
  [keys.progress('machine')]: '7 new',
}

/** What is let go in the time in which the store is asked three times. */
async function lostWith(entries: Readonly<Record<string, string>>, isRemoved = false): Promise<string[]> {
  const lost: string[] = []
  const ending = new AbortController()
  let looks = 0
  const stepBack = new StepBack({
    store: {
      get: async (key) => {
        const value = entries[key]
        return value === undefined ? undefined : { key, value, revision: 1 }
      },
    },
    networkId,
    disputes: () => [{ claim: address, own: 'one/y', rival: 'two/x' }],
    blockOf: () => block,
    assureWhole: async () => {
      looks += 1
    },
    isRemoved: ({ identity }) => isRemoved && identity === 'machine',
    lost: (given) => void lost.push(...given),
    log: pino({ level: 'silent' }),
    signal: ending.signal,
    patienceMs: 5,
  })
  stepBack.look()
  await eventually(() => expect(looks).toBeGreaterThan(2))
  ending.abort()
  return [...new Set(lost)]
}

describe('an endpoint with an address that another one has', () => {
  it('is let go where the other’s node has the block, lives, and is back after a loss', async () => {
    expect(await lostWith(whole)).toEqual(['one/y'])
  })

  it('stays where the other’s node was removed, and does not know it yet', async () => {
    expect(await lostWith(whole, true)).toEqual([])
  })

  it.each([
    ['the block is nobody’s, or this node’s', keys.block(networkId, block.block), undefined],
    ['the other node does not live', keys.aliveNode('two'), undefined],
    ['an older copy of the store says it, and the other is not back', keys.progress('machine'), '6 old'],
    ['the other has let go', keys.member(networkId, 'two', 'x'), undefined],
  ])('stays while %s', async (_why, key, value) => {
    const { [key]: _gone, ...rest } = whole
    expect(await lostWith(value === undefined ? rest : { ...rest, [key]: value })).toEqual([])
  })
})
