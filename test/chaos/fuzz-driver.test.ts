// A hundred thousand messages with something wrong in them, to a live driver on the SDK.
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { BareConnection } from '../fuzz/bare-connection.ts'
import { Mutants } from '../fuzz/mutants.ts'
import { initializeParams, sampleNetwork } from '../support/driver-client.ts'
import { eventually } from '../support/eventually.ts'
import { startDriverProgram } from '../support/fake-driver.ts'
import { openFilesOf, residentBytesOf } from '../support/process-usage.ts'
import { messagesFrom } from '../support/protocol-page.ts'
import { repository } from '../support/repository.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const batches = 1_000
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

type Lane = { readonly socketPath: string; readonly mutants: Mutants; readonly about: () => string }

/** One host's life among mutants: batch after batch, each with a valid call at its end. */
async function runLane({ socketPath, mutants, about }: Lane): Promise<void> {
  using connection = await shakenHands(socketPath)
  const network = sampleNetwork()
  for (let batch = 0; batch < batches / lanes; batch += 1) {
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

it('[K7] a driver on the SDK answers or ignores 100,000 mutated messages, and a valid call after each hundred', async () => {
  await using directory = await temporaryDirectory()
  const socketPath = join(directory.path, 'null.sock')
  const program = join(repository, 'drivers/null/bin/conet-driver-null.js')
  await using driver = await startDriverProgram({ program, args: ['--socket', socketPath], socketPath })
  const filesBefore = openFilesOf(driver.pid)
  const seed = Date.now() % 2 ** 31
  const mutants = new Mutants(seed, corpus)
  const about = () => `seed ${seed}; the driver says: ${driver.stderr.slice(-500)}`
  await runLane({ socketPath, mutants, about })
  const residentAfterWarmUp = residentBytesOf(driver.pid)
  await Promise.all(Array.from({ length: lanes - 1 }, () => runLane({ socketPath, mutants, about })))
  expect(residentBytesOf(driver.pid) - residentAfterWarmUp, about()).toBeLessThan(mostGrowthBytes)
  await eventually(() => expect(openFilesOf(driver.pid)).toBe(filesBefore))
  expect(await driver.end()).toBe(0)
}, 120_000)
