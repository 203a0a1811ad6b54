// The places around the records and processes of supervised drivers at which a crash test ends conetd.
import { declareFailpoints, failpoint as reach } from '@conet/sdk'

export const supervisorFailpoints = [
  'host:spawn:before-intent',
  'host:spawn:after-intent',
  'host:spawn:started',
  'host:spawn:recorded',
  'host:spawn:adopted',
] as const

declareFailpoints(...supervisorFailpoints)

export function failpoint(name: (typeof supervisorFailpoints)[number]): void {
  reach(name)
}
