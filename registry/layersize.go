package registry

// LayerSize is the sum of the sizes of the layer's files in bytes, uncompressed; of its blob as long as the layer has
// not been unpacked.
func (s *Store) LayerSize(l LayerInfo) int64 {
	if n, err := s.layerSize(l.DiffID); err == nil {
		return n
	}
	return l.Size
}
