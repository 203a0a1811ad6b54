import { mergedDns } from '@conet/host/domain/dns'
import { expect, it } from 'vitest'

it('[C6] what several networks say to a resolver is told once each, in order', () => {
  const blue = { servers: ['10.1.0.53', '10.9.0.53'], search: ['blue.example'], options: ['ndots:2'] }
  const green = { servers: ['10.9.0.53', 'fd00::53'], search: ['green.example', 'blue.example'], options: [] }
  expect(mergedDns([blue, green])).toEqual({
    servers: ['10.1.0.53', '10.9.0.53', 'fd00::53'],
    search: ['blue.example', 'green.example'],
    options: ['ndots:2'],
  })
})
