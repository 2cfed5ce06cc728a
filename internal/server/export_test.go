package server

// ClientAddress is tested by itself.
var ClientAddress = clientAddress
