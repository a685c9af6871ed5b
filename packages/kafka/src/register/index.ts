// node --import @spanlink/kafka/register app.js
// Traces all supported clients. The application starts the SDK itself, before or after this.
import { registerClients } from './register-clients.ts'

registerClients()
