// Package catalog knows event types: the shape of their bodies, a sample of
// each, and how the events of a card provider become ours. It is pure: it
// reads nothing but what is embedded and a folder that is handed to it.
//
// # Types
//
// A type is a JSON Schema (draft 2020-12) in a file named resource.action.json.
// Five are built in, under schemas/; they are the published contract of the
// bodies, so each field has a description and the first of the examples is a
// full sample. Users add types of their own from a folder. What the schemas
// say is said nowhere else: validation, the table of fields, samples, the
// paths that may be set in a sample and the list of fields that may leave are
// all read from them.
//
// The built-in types refuse fields that they do not name, so that nothing
// unforeseen leaves. Numbers beyond ±2⁵³ are refused in every type of the
// catalog, since a receiver that parses JSON into doubles would see another
// number. A type that is not in the catalog passes, unless [Options.Strict].
//
// # Providers
//
// A [Provider] verifies and maps one card provider's events; each is one Go
// file (panda.go) and a folder of schemas (schemas/panda) for what comes in. A
// mapping says only what differs: the outgoing body is a projection of the
// incoming one onto the fields of our own type's schema, in their order, so a
// field outside that schema can't leave.
//
// # Flows
//
// A [Flow] is a whole card purchase as a sequence of events with one
// transaction id and amounts that add up, to try a receiver's state machine.
package catalog
