import { Type, type Static } from 'typebox'
import { describe } from './common/describe.ts'

export const SessionResponse = Type.Object({
  authentication: Type.Enum(['none', 'required']),
  user: describe(
    'The user who is signed in. Missing without a session, and when authentication is off.',
    Type.Optional(
      Type.Object({
        name: Type.String(),
        roles: Type.Array(Type.Enum(['ingest', 'read', 'admin'])),
        expiresAt: describe('End of the session, ISO 8601.', Type.Optional(Type.String())),
      }),
    ),
  ),
  methods: Type.Object({
    token: Type.Boolean(),
    oidc: Type.Optional(Type.Object({ label: describe('Name of the provider.', Type.String()) })),
  }),
})
export type SessionResponse = Static<typeof SessionResponse>

export const SignInRequest = Type.Object(
  { token: Type.String({ minLength: 1, maxLength: 1000 }) },
  { additionalProperties: false },
)
export type SignInRequest = Static<typeof SignInRequest>
