package wasi

// HostFunction describes one function that modules may import.
type HostFunction struct{ Module, Name, Params string }

// HostFunctions lists them all.
func HostFunctions() (list []HostFunction) {
	for _, f := range preview1 {
		list = append(list, HostFunction{modulePreview1, f.name, f.params})
	}
	for _, f := range extensions {
		list = append(list, HostFunction{moduleSbx, f.name, f.params})
	}
	return list
}

// What tests need of the checks in modules.
const (
	Features  = features
	StopName  = stopName
	QuickMark = quickMark
	QuickUses = quickUses
)

var Interruptible = interruptible
