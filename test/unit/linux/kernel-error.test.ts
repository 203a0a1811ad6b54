import { constants } from 'node:os'
import { KernelError } from '@conet/sdk/linux'
import { expect, it } from 'vitest'

const { EAGAIN, EDEADLK, EOPNOTSUPP, ENODEV } = constants.errno

it.each([
  [EAGAIN, 'EAGAIN'],
  [EDEADLK, 'EDEADLK'],
  [EOPNOTSUPP, 'EOPNOTSUPP'],
  [ENODEV, 'ENODEV'],
  [54, 'EXFULL'],
  [132, 'ERFKILL'],
  [4095, 'errno 4095'],
])('error %d goes by the name %s, though some numbers have two', (errno, code) => {
  const error = new KernelError({ errno, operation: 'try' })
  expect(error.code).toBe(code)
  expect(KernelError.is(error, code)).toBe(true)
})
