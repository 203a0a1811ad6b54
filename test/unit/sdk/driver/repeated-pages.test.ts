// A sync says again what the one before has said, but for a few endpoints: what the author's code gets is what was said.
import type { DesiredEndpoint, Network, PlugParams } from '@conet/sdk'
import { JsonText } from '@conet/sdk/jsonrpc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newId, sampleEndpoint, sampleNetwork, sampleSandbox } from '../../../support/driver-client.ts'
import { type Served, served } from './served.ts'

let syncs = 0

function pageOf(networks: readonly Network[], endpoints: readonly DesiredEndpoint[]) {
  syncs += 1
  return { syncId: `repeated-${syncs}`, more: false, networks: [...networks], endpoints: [...endpoints] }
}

async function servedPlugs(): Promise<{ sample: Served; plugs: PlugParams[] }> {
  const plugs: PlugParams[] = []
  const sample = await served({
    async plug(params) {
      plugs.push(params)
      return { interfaces: [] }
    },
  })
  return { sample, plugs }
}

const network = sampleNetwork()
/** Texts that look like the parts of a page, and such as need care in JSON. */
const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '"endpoints":[',
    '\\',
    '\\"',
    '}',
    '{"a":[',
    '"endpoints":[{"network":{',
    'né',
    '\u{1f4a9}',
  ),
)
const documents = fc.dictionary(texts, fc.jsonValue({ stringUnit: 'binary', maxDepth: 3 }), { maxKeys: 3 })
const endpoints = fc
  .record({ options: documents, labels: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), texts) })
  .map(({ options, labels }): DesiredEndpoint => {
    const endpoint = sampleEndpoint(network)
    return {
      ...endpoint,
      options,
      container: { ...endpoint.container, labels },
      network: { ...network, config: { endpoints: [options], ...options } },
      sandbox: sampleSandbox,
    }
  })

/** What the next sync says: some as before, in another order, without some, with others, some with other content. */
function nextOf(before: readonly DesiredEndpoint[]): fc.Arbitrary<DesiredEndpoint[]> {
  const kept = fc.oneof(fc.constant([...before]), fc.shuffledSubarray([...before]))
  return fc.tuple(kept, fc.array(endpoints, { maxLength: 3 }), fc.nat(), documents).map((chosen) => {
    const [old, added, at, options] = chosen
    const next = old.toSpliced(at % (old.length + 1), 0, ...added)
    return next.map((one, index) => (index === at % 7 ? { ...one, options } : one))
  })
}

const twoSyncs = fc
  .array(endpoints, { minLength: 5, maxLength: 12 })
  .chain((first) => fc.tuple(fc.constant(first), nextOf(first)))

describe('a sync that says again what the one before has said', () => {
  it('gives the author exactly what it says, whatever has changed', async () => {
    const { sample, plugs } = await servedPlugs()
    await using _ = sample
    await fc.assert(
      fc.asyncProperty(twoSyncs, async (rounds) => {
        for (const round of [...rounds, ...rounds]) {
          plugs.length = 0
          const result = await sample.client.call('driver/sync', pageOf([network], round))
          const said: unknown = JSON.parse(JSON.stringify(round))
          expect(plugs.toSorted(byId)).toEqual(Array.isArray(said) ? said.toSorted(byId) : undefined)
          expect(result.plugged.map(({ endpointId }) => endpointId)).toEqual(
            round.map(({ endpointId }) => endpointId),
          )
        }
      }),
      { numRuns: 60 },
    )
  })

  it('gives the same object for the same words, and another one for others', async () => {
    const { sample, plugs } = await servedPlugs()
    await using _ = sample
    const all = Array.from({ length: 20 }, () => ({ ...sampleEndpoint(network), sandbox: sampleSandbox }))
    await sample.client.call('driver/sync', pageOf([network], all))
    const changed = all.map((one, index) => (index === 7 ? { ...one, options: { changed: true } } : one))
    await sample.client.call('driver/sync', pageOf([network], changed))
    const [first, second] = [plugs.slice(0, 20), plugs.slice(20)]
    const isSame = second.map((params, index) => params === first[index])
    expect(isSame).toEqual(all.map((_one, index) => index !== 7))
    expect(second[7]?.options).toEqual({ changed: true })
  })

  it('gives what nobody can change, however little it says', async () => {
    const { sample, plugs } = await servedPlugs()
    await using _ = sample
    for (const count of [1, 20]) {
      const all = Array.from({ length: count }, () => ({
        ...sampleEndpoint(network),
        sandbox: sampleSandbox,
      }))
      await sample.client.call('driver/sync', pageOf([network], all))
    }
    for (const { network: given, interface: wanted, options } of plugs)
      expect([given, given.config, wanted, wanted.addresses, options].every(Object.isFrozen)).toBe(true)
  })

  it('is checked like any other: one wrong endpoint among known ones refuses the page', async () => {
    const { sample, plugs } = await servedPlugs()
    await using _ = sample
    const all = Array.from({ length: 10 }, () => ({ ...sampleEndpoint(network), sandbox: sampleSandbox }))
    await sample.client.call('driver/sync', pageOf([network], all))
    const wrong = {
      ...pageOf([network], all),
      endpoints: [...all, { ...all[0], endpointId: newId(), options: 7 }],
    }
    await expect(sample.client.raw('driver/sync', wrong)).rejects.toThrow('endpoints[10].options')
    await expect(sample.client.raw('driver/sync', { ...pageOf([], all), more: 'no' })).rejects.toThrow('more')
    expect(plugs).toHaveLength(10)
  })

  it('is understood in any layout of its JSON', async () => {
    const { sample, plugs } = await servedPlugs()
    await using _ = sample
    const all = Array.from({ length: 10 }, () => ({ ...sampleEndpoint(network), sandbox: sampleSandbox }))
    for (const indent of [undefined, 2]) {
      const text = new JsonText(JSON.stringify(pageOf([network], all), undefined, indent))
      await sample.client.peer.request('driver/sync', text, { timeoutMs: 10_000 })
    }
    expect(plugs).toEqual([...all, ...all])
  })
})

function byId(one: { endpointId: string }, other: { endpointId: string }): number {
  return one.endpointId < other.endpointId ? -1 : 1
}
