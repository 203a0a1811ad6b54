import type { Route } from '@conet/sdk'
import { newRoute } from '@conet/sdk/linux'
import { expect, it } from 'vitest'

it('a route of the protocol becomes one for the kernel, with nothing that it does not say', () => {
  const route: Route = { destination: '10.9.0.0/16', gateway: '10.1.0.1', metric: 0, table: 100 }
  expect(newRoute(7, { ...route, scope: 'global', source: '10.1.0.2' })).toEqual({
    ...route,
    link: 7,
    scope: 'universe',
    preferredSource: '10.1.0.2',
  })
  expect(newRoute(7, route)).toStrictEqual({ ...route, link: 7 })
  expect(newRoute(7, { destination: '::/0', scope: 'link' })).toStrictEqual({
    destination: '::/0',
    link: 7,
    scope: 'link',
  })
})
