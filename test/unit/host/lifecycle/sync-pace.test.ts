import { tellInPace } from '@conet/host/lifecycle/sync-pace'
import type { SyncParams } from '@conet/sdk'
import { expect, it } from 'vitest'
import { sampleEndpoint, sampleNetwork } from '../../../support/driver-client.ts'

const ofNetworks = page({ networks: [sampleNetwork()] })
const ofEndpoints = [1, 2, 3, 4].map(() => page({ endpoints: [sampleEndpoint()] }))
const last = page({ more: false })

it('a page of endpoints is told while the one before is answered, three at a time', async () => {
  const driver = new SlowDriver()
  const told = tellInPace([...ofEndpoints, last], driver.hear)
  await turn()
  expect(driver.heard).toEqual(ofEndpoints.slice(0, 3))
  await driver.answer()
  expect(driver.heard).toEqual(ofEndpoints)
  await driver.answerAll()
  await told
})

it('endpoints wait for the page that names their networks, and the last page for all', async () => {
  const driver = new SlowDriver()
  const told = tellInPace([ofNetworks, ...ofEndpoints.slice(0, 1), last], driver.hear)
  await turn()
  for (const page of [ofNetworks, ofEndpoints[0], last]) {
    expect(driver.heard.at(-1)).toBe(page)
    await driver.answer()
  }
  await told
})

it('fails as the first page that failed does, once the others have theirs', async () => {
  const driver = new SlowDriver()
  const told = tellInPace([...ofEndpoints, last], driver.hear)
  let hasEnded = false
  const ended = told.catch((error: unknown) => {
    hasEnded = true
    return error
  })
  await turn()
  await driver.answer(new Error('no room'))
  await driver.answer()
  expect(hasEnded).toBe(false)
  await driver.answer()
  expect(await ended).toEqual(new Error('no room'))
  expect(driver.heard).toHaveLength(3)
})

/** Answers when it is told to, in order. */
class SlowDriver {
  readonly heard: SyncParams[] = []
  readonly #open: ((error?: Error) => void)[] = []

  readonly hear = (page: SyncParams): Promise<void> => {
    this.heard.push(page)
    return new Promise((resolve, reject) => this.#open.push((error) => (error ? reject(error) : resolve())))
  }

  /** Resolves when what follows from the answer has happened. */
  async answer(error?: Error): Promise<void> {
    this.#open.shift()?.(error)
    await turn()
  }

  async answerAll(): Promise<void> {
    while (this.#open.length > 0) await this.answer()
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function page(of: Partial<SyncParams>): SyncParams {
  return { syncId: 'sync', more: true, networks: [], endpoints: [], ...of }
}
