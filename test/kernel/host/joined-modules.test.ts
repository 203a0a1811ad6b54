// What a test file imports, when it runs in a process of its own: docs/decisions/0028.
import { ConetError } from '@conet/sdk'
import { expect, it } from 'vitest'
import { ConetError as ofItsFile } from '../../../sdk/dist/errors/conet-error.js'
import { joinedProgram } from '../../support/joined-program.ts'

it('is joined, and is the same whichever way it is imported', async () => {
  const joined: unknown = await import(joinedProgram('sdk/dist/index.js'))
  expect(joined).toMatchObject({ ConetError })
  expect(ofItsFile).toBe(ConetError)
})

it('has no certificates to read, for which Node would take longer to start', () => {
  expect(process.env.NODE_EXTRA_CA_CERTS).toBeUndefined()
})
