// The places around every store write and every driver call at which a crash test ends conetd. See docs/decisions.
import { declareFailpoints, failpoint as reach } from '@conet/sdk'

export const hostFailpoints = [
  'host:network:before-intent',
  'host:network:after-intent',
  'host:network:after-create',
  'host:network:buried',
  'host:network:after-delete',
  'host:endpoint:before-intent',
  'host:endpoint:after-intent',
  'host:endpoint:after-plug',
  'host:endpoint:after-outcome',
  'host:endpoint:buried',
  'host:endpoint:after-delete',
  'host:endpoint:forgotten',
  'host:up:sandbox-held',
  'host:up:after-intent',
  'host:up:after-outcome',
  'host:down:after-intent',
  'host:down:sandbox-released',
] as const

declareFailpoints(...hostFailpoints)

export function failpoint(name: (typeof hostFailpoints)[number]): void {
  reach(name)
}
