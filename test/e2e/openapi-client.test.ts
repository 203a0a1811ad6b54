// What a person does who wants a client in another way than ours: takes the OpenAPI document of a conetd that runs, has a
// generator write a client, compiles that, and calls conetd with it.
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { generate } from 'openapi-typescript-codegen'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ConetdFixture } from '../support/conetd-fixture.ts'
import { repository } from '../support/repository.ts'
import { httpCall } from '../support/unix-http.ts'

const run = promisify(execFile)
let fixture: ConetdFixture
let server: Server

beforeAll(async () => {
  fixture = await ConetdFixture.start({ drivers: ['null'] })
  // Generated clients speak to ports, not to UNIX sockets.
  server = createServer((socket) => {
    const conetd = connect(fixture.conetd.runtimeSocket)
    socket.pipe(conetd).pipe(socket)
    for (const one of [socket, conetd]) one.on('error', () => [socket, conetd].map((both) => both.destroy()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  server?.close()
  await fixture?.[Symbol.asyncDispose]()
})

/** Every member is typed: `tsc --strict` refuses a misspelt one. */
const program = (port: number) => `
import { ApiError, ClientService, OpenAPI, RuntimeService } from './client'
import type { ContainerView, NetworkView, Problem } from './client'

async function main() {
  OpenAPI.BASE = 'http://127.0.0.1:${port}'
  const network: NetworkView = await ClientService.createNetwork({
    requestBody: { name: 'blue', type: 'null', subnets: [{ subnet: '10.91.0.0/24' }], labels: { team: 'red' } },
  })
  await ClientService.putContainerConfig({ handle: 'web', requestBody: { attach_to: [network.name], 'example.com/team': 'red' } })
  const { 'example.com/team': team } = await ClientService.getContainerConfig({ handle: 'web' })
  const container: ContainerView = await RuntimeService.up({ handle: 'web', requestBody: {} })
  const failure: Problem = await ClientService.deleteNetwork({ network: 'blue' }).then(
    () => { throw new Error('it was to be refused') },
    (error: unknown) => { if (error instanceof ApiError) return error.body; throw error },
  )
  await ClientService.deleteContainer({ handle: 'web' })
  const { state } = await ClientService.deleteNetwork({ network: network.id })
  console.log(JSON.stringify([container.state, container.networks.blue?.container_ip, failure.kind, state, team]))
}
void main()
`

it('a generated client compiles under strict rules and calls conetd', async () => {
  const directory = join(fixture.directory, 'openapi')
  mkdirSync(directory)
  const document = join(directory, 'openapi.json')
  writeFileSync(document, (await httpCall(fixture.conetd.socket, { path: '/openapi.json' })).text)
  await generate({
    input: document,
    output: join(directory, 'client'),
    httpClient: 'fetch',
    useOptions: true,
  })
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the proxy does not listen')
  writeFileSync(join(directory, 'main.ts'), program(address.port))
  const rules = [
    '--strict',
    '--noUncheckedIndexedAccess',
    '--target',
    'es2022',
    '--lib',
    'es2022,dom,dom.iterable',
  ]
  const modules = ['--module', 'commonjs', '--moduleResolution', 'bundler', '--types', '', '--skipLibCheck']
  const tsc = join(repository, 'node_modules/typescript/bin/tsc')
  const argv = [tsc, ...rules, ...modules, 'main.ts']
  const { stdout: faults } = await run(process.execPath, argv, { cwd: directory }).catch(
    (error: { stdout: string }) => error,
  )
  expect(faults).toBe('')
  const { stdout } = await run(process.execPath, [join(directory, 'main.js')])
  expect(JSON.parse(stdout)).toEqual(['up', '10.91.0.2', 'inUse', 'gone', 'red'])
})
