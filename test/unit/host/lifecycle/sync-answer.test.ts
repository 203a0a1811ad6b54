import { answerToPage, logAnswer } from '@conet/host/lifecycle/sync-answer'
import type { SyncParams, SyncResult } from '@conet/sdk'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { newId, sampleEndpoint } from '../../../support/driver-client.ts'

const endpoint = sampleEndpoint()
const { network, endpointId } = endpoint
const page: SyncParams = { syncId: 's', more: false, networks: [network], endpoints: [endpoint] }
const nothing: SyncResult = {
  repaired: [],
  failed: [],
  plugged: [],
  unknown: { networkIds: [], endpoints: [] },
}
const error = { name: 'internal', message: 'no' }
const result = { interfaces: [] }

describe('the answer to a page of a sync', () => {
  it('is about what the page named', () => {
    const own = [
      { networkId: network.id, error },
      { networkId: network.id, endpointId, error },
    ]
    const plugged = [{ networkId: network.id, endpointId, result }]
    expect(answerToPage(page, { ...nothing, failed: own, plugged })).toEqual({
      ...{ repaired: [], strangers: 0 },
      failed: own,
      plugged,
    })
  })

  it('has no say in what is another driver’s', () => {
    const failed = [
      { networkId: newId(), error },
      { networkId: network.id, endpointId: newId(), error },
    ]
    const plugged = [{ networkId: network.id, endpointId: newId(), result }]
    expect(answerToPage(page, { ...nothing, failed, plugged })).toEqual({
      ...{ repaired: [], failed: [], plugged: [], strangers: 3 },
    })
  })

  it('fills no log: the last of twenty lines says how many others there were', () => {
    const lines: string[] = []
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
    const repaired = Array.from({ length: 1_000 }, (_, number) => `thing ${number}`)
    logAnswer(log, 'wire', answerToPage(page, { ...nothing, repaired }))
    expect(lines).toHaveLength(20)
    expect(JSON.parse(lines[0] ?? '')).not.toHaveProperty('others')
    expect(JSON.parse(lines[19] ?? '')).toMatchObject({ driver: 'wire', what: 'thing 19', others: 980 })
  })
})
