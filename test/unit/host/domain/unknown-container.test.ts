import { unknownContainer } from '@conet/host/domain/unknown-container'
import { expect, it } from 'vitest'

it('an unknown container comes with the command that defines it, or with who does where no client may choose that handle', () => {
  expect(unknownContainer('web')).toMatchObject({
    kind: 'notFound',
    details: { container: 'web' },
    help: 'conet container list shows those that are there; a new one: conet container create web',
  })
  expect(unknownContainer('a/b').help).toBe(
    'conet container list shows those that are there; one with this handle is made by its runtime alone',
  )
})
