// A conetd with drivers for tests that treat it badly: how to ask it, and a picture of everything that it and the
// kernel hold, so that a test can show that nothing has changed.
import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Problem } from '@conet/sdk/api'
import { releaseNamespaceDirectory } from '@conet/sdk/linux'
import { expect } from 'vitest'
import { withoutLooks } from './conetd-fixture.ts'
import { ConetdProcess } from './conetd-process.ts'
import { repository } from './repository.ts'
import { type TemporaryDirectory, temporaryDirectory } from './temporary-directory.ts'
import { type HttpAnswer, type HttpCall, httpCall } from './unix-http.ts'

export class HostUnderTest implements AsyncDisposable {
  readonly conetd: ConetdProcess
  readonly #directory: TemporaryDirectory

  private constructor(conetd: ConetdProcess, directory: TemporaryDirectory) {
    this.conetd = conetd
    this.#directory = directory
  }

  static async start(...spawn: readonly string[]): Promise<HostUnderTest> {
    const directory = await temporaryDirectory()
    const file = join(directory.path, 'config.json')
    writeFileSync(file, JSON.stringify(withoutLooks({})))
    const flags = ['--config', file]
    return new HostUnderTest(
      await ConetdProcess.start({ directory: directory.path, spawn, flags }),
      directory,
    )
  }

  get directory(): string {
    return this.#directory.path
  }

  /** On the runtime's socket, which has all routes. */
  ask(call: HttpCall): Promise<HttpAnswer> {
    return httpCall(this.conetd.runtimeSocket, call)
  }

  /** What is wrong with the request, in the words of conetd. Fails when it was not refused as it should be. */
  async refused(call: HttpCall): Promise<Problem> {
    return problemIn(
      await this.ask(call),
      `${call.method ?? 'GET'} ${call.path} ${JSON.stringify(call.body)}`,
    )
  }

  /** The same on the clients' socket. */
  async clientRefused(call: HttpCall): Promise<Problem> {
    return problemIn(await httpCall(this.conetd.socket, call), `${call.method ?? 'GET'} ${call.path}`)
  }

  /** The answer to a request that must succeed. */
  async done<T>(call: HttpCall): Promise<T> {
    const answer = await this.ask(call)
    expect(answer.status, `${call.path}: ${answer.text}`).toBeLessThan(300)
    return JSON.parse(answer.text)
  }

  async picture(): Promise<{ host: string; kernel: string }> {
    const [networks, containers] = await Promise.all([
      this.ask({ path: '/networks' }),
      this.ask({ path: '/containers' }),
    ])
    return { host: networks.text + containers.text, kernel: kernelPicture() }
  }

  async isWell(): Promise<void> {
    expect((await this.ask({ path: '/healthz' })).status).toBe(200)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.conetd[Symbol.asyncDispose]()
    const sandboxes = join(this.directory, 'run/netns')
    // conetd leaves the mount on which sandboxes stand: drivers in other mount namespaces see through it.
    if (existsSync(sandboxes)) releaseNamespaceDirectory(sandboxes)
    await this.#directory[Symbol.asyncDispose]()
  }
}

/** A refusal as it should be: a problem document, nothing of conetd's inside, the request at fault. */
function problemIn(answer: HttpAnswer, what: string): Problem {
  const about = `${what}: ${answer.status} ${answer.text}`
  expect(answer.status, about).toBeGreaterThanOrEqual(400)
  expect(answer.status, about).toBeLessThan(500)
  expect(answer.headers['content-type'], about).toContain('application/problem+json')
  expectNoInsides(answer.text)
  return JSON.parse(answer.text)
}

/** Stacks and places of files of the program are nobody else's business. */
export function expectNoInsides(text: string): void {
  for (const word of [repository, 'node_modules', 'file://', '\\n    at ', '\n    at ', '.js:'])
    expect(text).not.toContain(word)
}

function kernelPicture(): string {
  const commands = ['ip -o link', 'ip -o address', 'ip route', 'ip -6 route', 'nft list ruleset']
  return commands.map((command) => execFileSync('sh', ['-c', command], { encoding: 'utf8' })).join('')
}
