// The places around every store write and every driver call at which a crash test ends conetd. See docs/decisions.
import { declareFailpoints, failpoint as reach } from '@conet/sdk'

export const hostFailpoints = [
  'host:network:before-intent',
  'host:network:after-intent',
  'host:network:after-create',
  'host:network:buried',
  'host:network:after-delete',
  'host:network:forgotten',
  'host:container:before-configured',
  'host:container:configured',
  'host:container:forgotten',
  'host:endpoint:before-intent',
  'host:endpoint:after-intent',
  'host:endpoint:after-create',
  'host:endpoint:after-plug',
  'host:endpoint:interface-moved',
  'host:endpoint:interface-configured',
  'host:endpoint:settled',
  'host:endpoint:after-outcome',
  'host:endpoint:unplugged-again',
  'host:endpoint:deleted-to-be-placed',
  'host:endpoint:interface-returned',
  'host:endpoint:buried',
  'host:endpoint:after-delete',
  'host:endpoint:forgotten',
  'host:up:sandbox-held',
  'host:up:after-intent',
  'host:up:after-outcome',
  'host:up:sandbox-dropped',
  'host:down:after-intent',
  'host:down:sandbox-released',
  'host:down:after-outcome',
  'host:sync:begun',
  'host:sync:answered',
  'host:sync:unknown-removed',
  'host:recover:sandbox-released',
  'host:recover:network-buried',
  'host:policy:before-apply',
  'host:policy:applied',
  'host:policy:put-back',
  'host:policy:before-outcome',
  'host:policy:after-outcome',
  'host:policy:before-default',
  'host:policy:after-default',
  'host:flush:before',
  'host:flush:written',
] as const

declareFailpoints(...hostFailpoints)

export function failpoint(name: (typeof hostFailpoints)[number]): void {
  reach(name)
}
