// An internal error says nothing itself: the advice repeats what the driver has logged.
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Transcript } from '../../../sdk/dist/conformance/transcript/transcript.js'
import { KitHost } from '../../../sdk/dist/conformance/wire/kit-host.js'
import { Patience } from '../../../sdk/dist/conformance/wire/patience.js'
import { RawConnection } from '../../../sdk/dist/conformance/wire/raw-connection.js'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { frame } from '../jsonrpc/socket-pair.ts'

const log = (message: string) => ({
  jsonrpc: '2.0',
  method: 'driver/log',
  params: { level: 'error', message },
})

/** A driver that answers everything with an internal error, after it has logged these. */
async function adviceAfter(...logged: string[]): Promise<unknown> {
  await using directory = await temporaryDirectory()
  const socketPath = join(directory.path, 's.sock')
  const error = { code: 1000, message: 'internal error, see the log of the driver' }
  const answer = [...logged.map(log), { jsonrpc: '2.0', id: 1, error }].map(frame).join('')
  const server = createServer((socket) => socket.once('data', () => socket.write(answer)))
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  try {
    using connection = await RawConnection.dial(socketPath, new Transcript('x', 1), 5_000)
    const patience = new Patience({ callMs: 5_000, toleranceMs: 0, momentMs: 5_000 })
    const host = new KitHost(connection, patience, () => 'id')
    return await host.call('driver/ping', {}).catch((violation: unknown) => violation)
  } finally {
    server.close()
  }
}

it('the advice for a bug of the driver’s own repeats what it has logged last', async () => {
  expect(await adviceAfter('connected', 'driver/ping: addresses[0] must have a prefix')).toMatchObject({
    message: 'driver/ping failed: internal error, see the log of the driver (1000)',
    mend: expect.stringMatching(/own, whatever the check is about: driver\/ping: addresses\[0\] must have/),
  })
  expect(await adviceAfter()).toMatchObject({ mend: expect.stringMatching(/read what it has logged\.$/) })
})
