// Messages with something wrong in them, from drivers to a live conetd: how they are sent, and what must hold meanwhile.
import { join } from 'node:path'
import { expect } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { openFilesOf, residentBytesOf } from '../support/process-usage.ts'
import { messagesFrom } from '../support/protocol-page.ts'
import { goodBehaviour } from '../zoo/behaviour.ts'
import type { Session } from '../zoo/session.ts'
import { isJsonObject } from '../zoo/wire.ts'
import { ZooDriver } from '../zoo/zoo-driver.ts'
import { sendBatches } from './batches.ts'
import type { Message } from './mutants.ts'

const mostGrowthBytes = 64 * 1024 * 1024
/** What is compiled and buffered by then is no growth. */
const warmUpShare = 0.2

/** Batches of a hundred; after each a call to the driver that sends them succeeds. */
export async function fuzzHost(batches: number): Promise<void> {
  await using fixture = await ConetdFixture.start()
  const { conetd, driverDirectory } = fixture
  await using talker = await Talker.begin(fixture)
  const filesBefore = openFilesOf(conetd.pid)
  let bytesBefore: number | undefined
  let sent = 0
  await sendBatches(batches, messagesFrom('driver'), async ({ tame, wild }) => {
    if (sent >= batches * warmUpShare) bytesBefore ??= residentBytesOf(conetd.pid)
    talker.say(tame)
    await Promise.all(wild.map((bytes, lane) => rave(driverDirectory, lane, bytes)))
    await talker.answerACall()
    sent += 1
  })
  expect(residentBytesOf(conetd.pid) - (bytesBefore ?? 0)).toBeLessThan(mostGrowthBytes)
  await eventually(() => expect(openFilesOf(conetd.pid)).toBeLessThanOrEqual(filesBefore))
}

/** A driver that keeps its one connection, says tame nonsense on it, and answers its calls well. */
class Talker implements AsyncDisposable {
  readonly #fixture: ConetdFixture
  readonly #driver: ZooDriver
  readonly #session: Session

  private constructor(fixture: ConetdFixture, driver: ZooDriver, session: Session) {
    this.#fixture = fixture
    this.#driver = driver
    this.#session = session
  }

  static async begin(fixture: ConetdFixture): Promise<Talker> {
    const path = join(fixture.driverDirectory, 'talker.sock')
    const driver = await ZooDriver.listen({ path, variant: { name: 'talker' } })
    await eventually(async () => {
      const { drivers } = await fixture.client.listDrivers()
      expect(drivers).toContainEqual(expect.objectContaining({ name: 'talker', state: 'ready' }))
    })
    const [session] = driver.sessions
    if (session === undefined) throw new Error('the host has no connection to the driver that it calls ready')
    return new Talker(fixture, driver, session)
  }

  say(messages: readonly Message[]): void {
    for (const [index, message] of messages.entries()) {
      // By chance it is no nonsense.
      if (isNotReady(message)) continue
      this.#session.send(index % 10 === 0 ? replyToNothing(message) : message)
    }
  }

  async answerACall(): Promise<void> {
    const { client } = this.#fixture
    expect(this.#session.socket.destroyed).toBe(false)
    await client.createNetwork({ name: 'talk', type: 'talker' })
    await client.deleteNetwork('talk')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#driver[Symbol.asyncDispose]()
  }
}

function isNotReady({ method, params }: Message): boolean {
  return method === 'driver/readiness' && isJsonObject(params) && params.ready === false
}

function replyToNothing({ params }: Message): object {
  return { jsonrpc: '2.0', id: 'nobody', result: params ?? null }
}

/** A driver that says something wild, the odd ones in place of an introduction; resolves when both sides have ended. */
async function rave(directory: string, lane: number, bytes: Buffer): Promise<void> {
  const name = `raver-${lane}`
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const raving = ({ socket }: Session) => void socket.end(bytes)
  const behaviour = {
    ...goodBehaviour(),
    ...(lane % 2 === 0 ? { accepted: raving } : { answer: raving }),
    closed: end,
  }
  await using _driver = await ZooDriver.listen({
    path: join(directory, `${name}.sock`),
    variant: { name },
    behaviour,
  })
  await ended
}
