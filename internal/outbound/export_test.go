package outbound

// IsPublic reports whether an address is one of the internet's.
var IsPublic = isPublic
