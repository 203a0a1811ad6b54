import { answerToPage, logAnswer } from '@conet/host/lifecycle/sync-answer'
import type { SyncParams, SyncResult } from '@conet/sdk'
import fc from 'fast-check'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { newId, sampleEndpoint } from '../../../support/driver-client.ts'

const endpoint = sampleEndpoint()
const { network, endpointId } = endpoint
const plugged = { ...endpoint, sandbox: { id: 's', path: '/run/conet/netns/s' } }
const page: SyncParams = { syncId: 's', more: false, networks: [network], endpoints: [plugged] }
const createdOnly: SyncParams = { ...page, endpoints: [endpoint] }
const nothing: SyncResult = {
  repaired: [],
  failed: [],
  plugged: [],
  unknown: { networkIds: [], endpoints: [] },
}
const error = { name: 'internal', message: 'no' }
const result = { interfaces: [] }
const isPlugged = { networkId: network.id, endpointId, result }

describe('the answer to a page of a sync', () => {
  it('is about what the page named', () => {
    const own = [
      { networkId: network.id, error },
      { networkId: network.id, endpointId, error },
    ]
    expect(answerToPage(page, { ...nothing, failed: own, plugged: [isPlugged] })).toEqual({
      ...{ repaired: [], strangers: 0 },
      failed: own,
      plugged: [isPlugged],
    })
  })

  it('has no say in what is another driver’s', () => {
    const failed = [
      { networkId: newId(), error },
      { networkId: network.id, endpointId: newId(), error },
      { networkId: newId(), endpointId, error },
    ]
    const others = [{ networkId: network.id, endpointId: newId(), result }]
    expect(answerToPage(createdOnly, { ...nothing, failed, plugged: others })).toEqual({
      ...{ repaired: [], failed: [], plugged: [], strangers: 4 },
    })
  })

  it('counts once what it says twice, and plugs nothing that should only be created', () => {
    const twice = { ...nothing, plugged: [isPlugged, isPlugged] }
    expect(answerToPage(page, twice)).toMatchObject({ plugged: [isPlugged], failed: [], strangers: 1 })
    expect(answerToPage(createdOnly, twice)).toMatchObject({ plugged: [], failed: [], strangers: 2 })
  })

  it('has failed with what should be plugged and is not spoken of', () => {
    const about = { networkId: network.id, endpointId }
    expect(answerToPage(page, nothing).failed).toMatchObject([
      { ...about, error: { name: 'protocolViolation' } },
    ])
    const failed = [{ ...about, error }]
    expect(answerToPage(page, { ...nothing, failed })).toMatchObject({ failed, plugged: [] })
    expect(answerToPage(createdOnly, nothing).failed).toEqual([])
  })

  it('whatever it says, is acted upon only for the page and once for each object', () => {
    const ids = fc.constantFrom(network.id, endpointId, newId(), newId())
    const refs = fc.record({ networkId: ids, endpointId: ids })
    const failures = fc.oneof(refs, fc.record({ networkId: ids })).map((about) => ({ ...about, error }))
    const answers = fc.record({
      repaired: fc.array(fc.string(), { maxLength: 3 }),
      failed: fc.array(failures),
      plugged: fc.array(refs.map((about) => ({ ...about, result }))),
      unknown: fc.record({ networkIds: fc.array(ids), endpoints: fc.array(refs) }),
    })
    fc.assert(
      fc.property(answers, (answer) => {
        const judged = answerToPage(page, answer)
        expect(judged.plugged.length).toBeLessThanOrEqual(1)
        const about = [...judged.plugged, ...judged.failed].map((one) => one.endpointId ?? one.networkId)
        expect(about.every((id) => id === endpointId || id === network.id)).toBe(true)
        expect(about).toContain(endpointId)
      }),
    )
  })

  it('fills no log: the last of twenty lines says how many others there were', () => {
    const lines: string[] = []
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
    const repaired = Array.from({ length: 1_000 }, (_, number) => `thing ${number}`)
    logAnswer(log, 'wire', answerToPage(createdOnly, { ...nothing, repaired }))
    expect(lines).toHaveLength(20)
    expect(JSON.parse(lines[0] ?? '')).not.toHaveProperty('others')
    expect(JSON.parse(lines[19] ?? '')).toMatchObject({ driver: 'wire', what: 'thing 19', others: 980 })
  })
})
