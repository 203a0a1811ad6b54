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
import { sendBatches } from './batches.ts'

/** Hosts that speak at the same time, but for the first, which warms up. */
const lanes = 5

/** What a fault of these grows by when nothing leaks: buffers, and code that gets compiled. */
const mostGrowthBytes = 64 * 1024 * 1024

/** Without the drain: where its mutant is a good one, it is a drain. */
const corpus = messagesFrom('host').filter(({ method }) => method !== 'driver/drain')

async function shakenHands(path: string): Promise<BareConnection> {
  const connection = await BareConnection.open(path)
  expect(await connection.request('initialize', initializeParams)).toHaveProperty('result')
  return connection
}

type Lane = { readonly batches: number; readonly socketPath: string; readonly about: () => string }

/** One host's life among mutants: batch after batch, each with a valid call at its end. */
async function runLane({ batches, socketPath, about }: Lane): Promise<void> {
  using connection = await shakenHands(socketPath)
  const network = sampleNetwork()
  let sent = 0
  await sendBatches(batches, corpus, async ({ tame, wild }) => {
    const [replies] = await Promise.all([
      connection.exchange(tame),
      ...wild.map((bytes) => BareConnection.last(socketPath, bytes)),
    ])
    for (const reply of replies) expect('result' in reply !== 'error' in reply, about()).toBe(true)
    sent += 1
    const valid =
      sent % 2 === 1
        ? await connection.request('network/create', { network })
        : await connection.request('network/delete', { networkId: network.id })
    expect(valid, about()).toHaveProperty('result', {})
  })
}

/** Batches of a hundred; after each a valid call succeeds. Memory and open files stay as they were. */
export async function fuzzDriver(batches: number): Promise<void> {
  await using directory = await temporaryDirectory()
  const socketPath = join(directory.path, 'null.sock')
  const program = join(repository, 'drivers/null/bin/conet-driver-null.js')
  await using driver = await startDriverProgram({ program, args: ['--socket', socketPath], socketPath })
  const filesBefore = openFilesOf(driver.pid)
  const about = () => `the driver says: ${driver.stderr.slice(-500)}`
  const lane = { batches: batches / lanes, socketPath, about }
  await runLane(lane)
  const residentAfterWarmUp = residentBytesOf(driver.pid)
  await Promise.all(Array.from({ length: lanes - 1 }, () => runLane(lane)))
  expect(residentBytesOf(driver.pid) - residentAfterWarmUp, about()).toBeLessThan(mostGrowthBytes)
  // Fewer, where the connection that had seen it start was still open at the beginning.
  await eventually(() => expect(openFilesOf(driver.pid)).toBeLessThanOrEqual(filesBefore))
  expect(await driver.end()).toBe(0)
}
