import { putDown, startOrPutDown } from '@conet/host/conetd/put-down'
import { ConetError, Rollback } from '@conet/sdk'
import { expect, it } from 'vitest'

function refusing(what: string): Rollback {
  const parts = new Rollback()
  parts.defer(what, () => {
    throw new Error('the disk is full')
  })
  return parts
}

it('a start that fails says why, also where what had been started cannot be put down', async () => {
  const why = new ConetError('failedPrecondition', 'listen on x.sock: another process listens there')
  const logged: unknown[] = []
  const done: string[] = []
  const directories = new Rollback()
  directories.defer('remove the directory', () => void done.push('removed'))
  const failure = await startOrPutDown(
    async () => {
      throw why
    },
    [refusing('close the stores'), directories],
    { error: (fields: unknown) => void logged.push(fields) },
  ).catch((error: unknown) => error)
  expect(failure).toBe(why)
  expect(done).toEqual(['removed'])
  expect(logged).toEqual([
    {
      err: expect.objectContaining({ message: 'stop conetd: could not close the stores: the disk is full' }),
    },
  ])
})

it('a stop that fails says of each part what failed, and what to do', async () => {
  const failure = await putDown(refusing('close the stores')).catch((error: unknown) => error)
  expect(failure).toMatchObject({
    kind: 'internal',
    message: 'stop conetd: could not close the stores: the disk is full',
    details: { failures: ['could not close the stores: the disk is full'] },
    help: expect.stringContaining('the next start'),
  })
})
