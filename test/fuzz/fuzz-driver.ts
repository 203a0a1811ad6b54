// Messages with something wrong in them, to a live driver on the SDK: how they are sent, and what must hold meanwhile.
import { join } from 'node:path'
import { expect } from 'vitest'
import { initializeParams, sampleNetwork } from '../support/driver-client.ts'
import { eventually } from '../support/eventually.ts'
import { startDriverProgram } from '../support/fake-driver.ts'
import { openFilesOf, residentBytesOf } from '../support/process-usage.ts'
import { messagesFrom } from '../support/protocol-page.ts'
import { repository } from '../support/repository.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { BareConnection } from './bare-connection.ts'
import { Mutants } from './mutants.ts'

/** Hosts that speak at the same time, but for the first, which warms up. */
const lanes = 5
const tameOnes = 95
const wildOnes = 5

/** What a fault of these grows by when nothing leaks: buffers, and code that gets compiled. */
const mostGrowthBytes = 64 * 1024 * 1024

/** Without the drain: where its mutant is a good one, it is a drain. */
const corpus = messagesFrom('host').filter(({ method }) => method !== 'driver/drain')

async function shakenHands(path: string): Promise<BareConnection> {
  const connection = await BareConnection.open(path)
  expect(await connection.request('initialize', initializeParams)).toHaveProperty('result')
  return connection
}

type Lane = {
  readonly batches: number
  readonly socketPath: string
  readonly mutants: Mutants
  readonly about: () => string
}

/** One host's life among mutants: batch after batch, each with a valid call at its end. */
async function runLane({ batches, socketPath, mutants, about }: Lane): Promise<void> {
  using connection = await shakenHands(socketPath)
  const network = sampleNetwork()
  for (let batch = 0; batch < batches; batch += 1) {
    const tame = Array.from({ length: tameOnes }, () => mutants.tame())
    const wild = Array.from({ length: wildOnes }, () => mutants.wild())
    const [replies] = await Promise.all([
      connection.exchange(tame),
      ...wild.map((bytes) => BareConnection.last(socketPath, bytes)),
    ])
    for (const reply of replies) expect('result' in reply !== 'error' in reply, about()).toBe(true)
    const valid =
      batch % 2 === 0
        ? await connection.request('network/create', { network })
        : await connection.request('network/delete', { networkId: network.id })
    expect(valid, about()).toHaveProperty('result', {})
  }
}

/** Batches of a hundred; after each a valid call succeeds. Memory and open files stay as they were. */
export async function fuzzDriver(batches: number): Promise<void> {
  await using directory = await temporaryDirectory()
  const socketPath = join(directory.path, 'null.sock')
  const program = join(repository, 'drivers/null/bin/conet-driver-null.js')
  await using driver = await startDriverProgram({ program, args: ['--socket', socketPath], socketPath })
  const filesBefore = openFilesOf(driver.pid)
  const seed = Date.now() % 2 ** 31
  const mutants = new Mutants(seed, corpus)
  const about = () => `seed ${seed}; the driver says: ${driver.stderr.slice(-500)}`
  const lane = { batches: batches / lanes, socketPath, mutants, about }
  await runLane(lane)
  const residentAfterWarmUp = residentBytesOf(driver.pid)
  await Promise.all(Array.from({ length: lanes - 1 }, () => runLane(lane)))
  expect(residentBytesOf(driver.pid) - residentAfterWarmUp, about()).toBeLessThan(mostGrowthBytes)
  await eventually(() => expect(openFilesOf(driver.pid)).toBe(filesBefore))
  expect(await driver.end()).toBe(0)
}
